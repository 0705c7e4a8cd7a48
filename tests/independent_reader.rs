//! A second reader, written from `index-format.md` alone: plain byte arithmetic, nothing of the
//! engine's parsing. What it reads must be what the engine reads.

use std::collections::BTreeMap;
use std::path::Path;

type Sections = BTreeMap<String, Vec<u8>>;

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size]
        .iter()
        .rev()
        .fold(0, |n, b| n << 8 | u64::from(*b))
}

fn numbers(bytes: &[u8], size: usize) -> Vec<u64> {
    assert_eq!(bytes.len() % size, 0);
    (0..bytes.len() / size)
        .map(|i| number(bytes, i * size, size))
        .collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    numbers(bytes, 4)
        .into_iter()
        .map(|bits| f32::from_bits(bits as u32))
        .collect()
}

/// Section 1: number `i` of packed numbers of `width` bits.
fn packed(bytes: &[u8], width: usize, i: usize) -> usize {
    let bit = |b: usize| usize::from(bytes[b / 8] >> (b % 8) & 1);
    (0..width).fold(0, |n, b| n | bit(i * width + b) << b)
}

/// The bytes of `count` packed numbers of `width` bits, whose last bits are zero, and what comes after them.
fn split_packed(bytes: &[u8], width: usize, count: usize) -> (&[u8], &[u8]) {
    let (numbers, rest) = bytes.split_at((count * width).div_ceil(8));
    assert!((count * width..numbers.len() * 8).all(|b| packed(numbers, 1, b) == 0));
    (numbers, rest)
}

fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Section 3: the frame.
fn frame(path: &Path, kind: &str) -> (Sections, u64) {
    let file = std::fs::read(path).unwrap();
    assert_eq!(&file[..8], b"\x8a\x43\x4c\x58\x0d\x0a\x1a\x0a");
    assert_eq!(&file[8..12], kind.as_bytes());
    assert_eq!(number(&file, 12, 2), 3);
    assert_eq!(number(&file, 16, 8), 0);
    assert!(file[32..56].iter().all(|b| *b == 0));
    assert_eq!(number(&file, 56, 8), checksum(&file[..56]));

    let footer = &file[file.len() - 64..];
    assert_eq!(&footer[56..], b"\x43\x4c\x58\x8a\x65\x6e\x64\x0a");
    assert_eq!(number(footer, 48, 8), checksum(&footer[..48]));
    assert_eq!(number(footer, 24, 8), file.len() as u64);
    let directory = number(footer, 0, 8) as usize;
    let sections = number(footer, 8, 4) as usize;
    assert_eq!(
        (directory + 32 * sections).next_multiple_of(64),
        file.len() - 64
    );
    let entries = &file[directory..][..32 * sections];
    assert_eq!(number(footer, 16, 8), checksum(entries));

    let mut found = Sections::new();
    let mut end = 64;
    for entry in entries.chunks(32) {
        let (offset, length) = (number(entry, 8, 8) as usize, number(entry, 16, 8) as usize);
        assert_eq!(offset, usize::next_multiple_of(end, 64));
        assert!(file[end..offset].iter().all(|b| *b == 0));
        let section = &file[offset..offset + length];
        assert_eq!(number(entry, 24, 8), checksum(section));
        found.insert(
            String::from_utf8(entry[..4].to_vec()).unwrap(),
            section.to_vec(),
        );
        end = offset + length;
    }
    assert_eq!(end.next_multiple_of(64), directory);
    (found, number(footer, 48, 8))
}

#[derive(Debug, PartialEq)]
struct Document {
    key: String,
    fields: [String; 3],
    vectors: Vec<f32>,
}

/// Sections 4 to 10. The first segment only: this engine writes one.
fn read(path: &Path) -> Vec<Document> {
    let (manifest, _) = frame(&path.join("manifest"), "MANI");
    let head = &manifest["HEAD"];
    let (dim, nbits) = (number(head, 16, 4) as usize, number(head, 20, 4) as usize);
    let centroids = number(head, 24, 4) as usize;
    assert_eq!(number(head, 36, 4), 1);
    let segment = &manifest["SEGM"];
    let (documents, vectors) = (
        number(segment, 4, 4) as usize,
        number(segment, 8, 8) as usize,
    );
    assert_eq!(number(head, 56, 8), documents as u64);

    let names = BTreeMap::from([
        ("BOOK", "codebook"),
        ("DOCS", "documents"),
        ("CODE", "codes"),
        ("RESI", "residuals"),
        ("MEAN", "means"),
        ("POST", "postings"),
        ("TEXT", "text"),
    ]);
    let mut files = BTreeMap::new();
    for record in manifest["FILE"].chunks(32) {
        let kind = std::str::from_utf8(&record[..4]).unwrap().to_owned();
        let name = format!("{}-{:08}.clx", names[&kind[..]], number(record, 4, 4));
        let (sections, seal) = frame(&path.join(&name), &kind);
        assert_eq!(number(record, 16, 8), seal);
        assert_eq!(
            number(record, 8, 8),
            std::fs::metadata(path.join(&name)).unwrap().len()
        );
        files.insert(kind, sections);
    }

    let book = codebook(&files["BOOK"], dim, nbits, centroids);
    let width = (1..).find(|w| 1 << w >= centroids).unwrap();
    let (packed_codes, tail) = split_packed(&files["CODE"]["CODE"], width, vectors);
    assert_eq!(tail, [0; 8]);
    let codes: Vec<usize> = (0..vectors)
        .map(|v| packed(packed_codes, width, v))
        .collect();
    assert!(codes.iter().all(|c| *c < centroids));
    let residuals = &files["RESI"]["RESI"];
    let bytes = (dim * nbits).div_ceil(8);
    assert_eq!(residuals.len(), vectors * bytes);
    let decode = |vector: usize| -> Vec<f32> {
        let (buckets, _) = split_packed(&residuals[vector * bytes..][..bytes], nbits, dim);
        let mut x: Vec<f32> = (0..dim)
            .map(|j| {
                let weight = book.weights[packed(buckets, nbits, j)];
                let c = book.steps[j] * f32::from(book.centroids[codes[vector] * dim + j]);
                book.scales[j].mul_add(weight, c)
            })
            .collect();
        if number(head, 40, 8) == 1 {
            let mut p = [0f32; 16];
            for (j, x) in x.iter().enumerate() {
                p[j % 16] = x.mul_add(*x, p[j % 16]);
            }
            for half in [8, 4, 2, 1] {
                for i in 0..half {
                    p[i] += p[i + half];
                }
            }
            x.iter_mut().for_each(|x| *x *= 1.0 / p[0].sqrt());
        }
        x
    };

    let docs = &files["DOCS"];
    let vector_offsets = numbers(&docs["VOFF"], 8);
    let key_offsets = numbers(&docs["KOFF"], 8);
    let key = |d: usize| {
        let range = key_offsets[d] as usize..key_offsets[d + 1] as usize;
        String::from_utf8(docs["KEYS"][range].to_vec()).unwrap()
    };
    let sorted: Vec<String> = numbers(&docs["SORT"], 4)
        .iter()
        .map(|d| key(*d as usize))
        .collect();
    assert!(sorted.len() == documents && sorted.windows(2).all(|w| w[0] < w[1]));

    let means = &files["MEAN"]["MEAN"];
    assert_eq!(means.len(), documents * dim);
    for d in (0..documents).filter(|&d| vector_offsets[d] == vector_offsets[d + 1]) {
        assert!(means[d * dim..][..dim].iter().all(|&mean| mean == 0));
    }

    let texts = files
        .get("TEXT")
        .map_or(vec![Default::default(); documents], texts);
    let read: Vec<Document> = (0..documents)
        .map(|d| Document {
            key: key(d),
            fields: texts[d].clone(),
            vectors: (vector_offsets[d]..vector_offsets[d + 1])
                .flat_map(|v| decode(v as usize))
                .collect(),
        })
        .collect();

    let mut expected = vec![Vec::new(); centroids];
    for d in 0..documents {
        for v in vector_offsets[d]..vector_offsets[d + 1] {
            let list: &mut Vec<usize> = &mut expected[codes[v as usize]];
            if list.last() != Some(&d) {
                list.push(d);
            }
        }
    }
    assert_eq!(postings(&files["POST"], documents), expected);
    read
}

struct Codebook {
    centroids: Vec<i8>,
    steps: Vec<f32>,
    weights: Vec<f32>,
    scales: Vec<f32>,
}

/// Section 5.
fn codebook(file: &Sections, dim: usize, nbits: usize, centroids: usize) -> Codebook {
    let cells = numbers(&file["CELL"], 4);
    assert!(cells.is_sorted_by(|a, b| a < b));
    assert_eq!((cells[0], cells[cells.len() - 1]), (0, centroids as u64));
    assert_eq!(file["CCEN"].len(), (cells.len() - 1) * dim);

    if !file["GRPH"].is_empty() {
        let width = (1..).find(|w| 1 << w >= centroids).unwrap();
        let (links, tail) = split_packed(&file["GRPH"], width, 32 * centroids);
        assert_eq!(tail, [0; 8]);
        assert!((0..32 * centroids).all(|i| packed(links, width, i) < centroids));
    }

    let (mut end, mut tokens) = (0, Vec::new());
    for group in file["GRUP"].chunks(12) {
        tokens.push(number(group, 0, 4));
        assert_eq!(number(group, 4, 4), end);
        end += number(group, 8, 4);
    }
    assert_eq!(end, centroids as u64);
    assert!(tokens.is_sorted_by(|a, b| a < b));
    let mut members = numbers(&file["MEMB"], 4);
    members.sort_unstable();
    assert!(members.into_iter().eq(0..centroids as u64));

    let cutoffs = floats(&file["CUTS"]);
    assert!(cutoffs.len() == (1 << nbits) - 1 && cutoffs.is_sorted());
    assert_eq!(file["FIT."].len(), 8);
    let book = Codebook {
        centroids: file["CENT"].iter().map(|b| b.cast_signed()).collect(),
        steps: floats(&file["STEP"]),
        weights: floats(&file["WGHT"]),
        scales: floats(&file["SCAL"]),
    };
    assert_eq!(book.centroids.len(), centroids * dim);
    assert_eq!((book.steps.len(), book.scales.len()), (dim, dim));
    assert_eq!(book.weights.len(), 1 << nbits);
    book
}

/// Section 9.
fn postings(file: &Sections, documents: usize) -> Vec<Vec<usize>> {
    let offsets = numbers(&file["LOFF"], 8);
    let (lists, tail) = file["LIST"].split_at(file["LIST"].len() - 8);
    assert_eq!(tail, [0; 8]);
    assert_eq!(
        (offsets[0], offsets[offsets.len() - 1]),
        (0, lists.len() as u64)
    );
    offsets
        .windows(2)
        .map(|range| list(&lists[range[0] as usize..range[1] as usize], documents))
        .collect()
}

/// An Elias-Fano code.
fn list(code: &[u8], documents: usize) -> Vec<usize> {
    let bytes = 1 + code.iter().position(|b| b & 128 == 0).unwrap();
    let (leb128, rest) = code.split_at(bytes);
    let count = leb128
        .iter()
        .rev()
        .fold(0, |n, b| n << 7 | usize::from(b & 127));
    if count == 0 {
        assert!(rest.is_empty());
        return Vec::new();
    }
    let low = (documents / count).ilog2() as usize;
    let (lower, upper) = split_packed(rest, low, count);
    assert_ne!(upper[upper.len() - 1], 0);
    let set = (0..8 * upper.len()).filter(|&bit| packed(upper, 1, bit) == 1);
    let list: Vec<usize> = set
        .enumerate()
        .map(|(i, bit)| (bit - i) << low | packed(lower, low, i))
        .collect();
    assert_eq!(list.len(), count);
    list
}

fn texts(file: &Sections) -> Vec<[String; 3]> {
    let mut found = Vec::new();
    let blocks: Vec<&[u8]> = file["BLKS"].chunks(16).collect();
    for (i, block) in blocks.iter().enumerate() {
        assert_eq!(number(block, 8, 4), found.len() as u64);
        let start = number(block, 0, 8) as usize;
        let end = blocks
            .get(i + 1)
            .map_or(file["DATA"].len(), |b| number(b, 0, 8) as usize);
        let raw = zstd::stream::decode_all(&file["DATA"][start..end]).unwrap();
        assert_eq!(raw.len() as u64, number(block, 12, 4));
        let mut at = 0;
        while at < raw.len() {
            let lens = [0, 4, 8].map(|o| number(&raw, at + o, 4) as usize);
            at += 12;
            found.push(lens.map(|len| {
                let text = String::from_utf8(raw[at..at + len].to_vec()).unwrap();
                at += len;
                text
            }));
        }
    }
    found
}

fn same_as_the_engine(path: &Path) {
    let index = colidx::Index::open(path).unwrap();
    let theirs: Vec<Document> = index
        .doc_ids()
        .map(|doc| {
            let stored = index.document(doc).unwrap();
            Document {
                key: stored.key,
                fields: [stored.title, stored.text, stored.metadata],
                vectors: index.token_vectors(doc).unwrap(),
            }
        })
        .collect();
    assert_eq!(read(path), theirs);
}

#[test]
fn the_golden_index_reads_the_same() {
    same_as_the_engine(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v3"));
}

#[test]
fn indexes_of_every_width_read_the_same() {
    use colidx::*;
    struct Waves {
        dim: usize,
        unit: bool,
    }
    impl VectorSource for Waves {
        fn dim(&self) -> usize {
            self.dim
        }
        fn encode(
            &mut self,
            documents: &[SourceDocument<'_>],
            out: &mut VectorBatch,
        ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
            for d in documents {
                let len = d.ordinal % 7;
                out.lens.push(len);
                for row in 0..len {
                    let first = row as usize * self.dim;
                    let mut values: Vec<f32> = (first..first + self.dim)
                        .map(|i| (i as f32 + 3.7 * d.ordinal as f32).sin())
                        .collect();
                    if self.unit {
                        let length = values.iter().map(|x| x * x).sum::<f32>().sqrt();
                        values.iter_mut().for_each(|x| *x /= length);
                    }
                    out.vectors.extend(values);
                }
            }
            Ok(())
        }
    }
    // Lists of one centroid are as dense as lists can be, those of hundreds nearly empty.
    for (dim, nbits, centroids, unit) in [
        (1, 2, 1, false),
        (5, 1, 2, false),
        (7, 2, 3, true),
        (13, 4, 200, false),
        (6, 8, 64, false),
        (37, 1, 65, true),
        (37, 4, 900, true),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        let options = BuildOptions {
            nbits,
            centroids: Some(centroids),
            ..Default::default()
        };
        let mut builder = IndexBuilder::create(tmp.path(), options).unwrap();
        for d in 0..300 {
            let (key, text) = (format!("key {d}"), "word ".repeat(d));
            let document = NewDocument {
                key: &key,
                text: &text,
                ..Default::default()
            };
            builder.add(&document).unwrap();
        }
        builder
            .finish(&mut Waves { dim, unit }, &NoProgress)
            .unwrap();
        same_as_the_engine(tmp.path());
    }
}
