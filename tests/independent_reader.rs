//! A second reader, written from `index-format.md` alone: plain byte arithmetic, nothing of the
//! engine's parsing. What it reads must be what the engine reads.

use std::collections::{BTreeMap, BTreeSet};
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

/// IEEE 754 binary16, by its definition.
fn half(bits: u64) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = ((bits >> 10 & 31) as i32, (bits & 1023) as f32 / 1024.0);
    match exponent {
        0 => sign * fraction * 2f32.powi(-14),
        31 => panic!("not finite"),
        e => sign * (1.0 + fraction) * 2f32.powi(e - 15),
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Section 3: the frame.
fn frame(path: &Path, kind: &str) -> (Sections, u64) {
    let file = std::fs::read(path).unwrap();
    assert_eq!(&file[..8], b"\x8a\x43\x4c\x58\x0d\x0a\x1a\x0a");
    assert_eq!(&file[8..12], kind.as_bytes());
    assert_eq!(number(&file, 12, 2), 1);
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

/// Sections 4 to 9. The first segment only: version 1 writes one.
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

    let book = &files["BOOK"];
    let centroid = numbers(&book["CENT"], 2)
        .into_iter()
        .map(half)
        .collect::<Vec<f32>>();
    let (weights, scales) = (floats(&book["WGHT"]), floats(&book["SCAL"]));
    assert_eq!(centroid.len(), centroids * dim);
    assert_eq!(floats(&book["CUTS"]).len(), (1 << nbits) - 1);

    let codes = numbers(
        &files["CODE"]["CODE"],
        if centroids <= 65_536 { 2 } else { 4 },
    );
    let residuals = &files["RESI"]["RESI"];
    let bytes = (dim * nbits).div_ceil(8);
    assert_eq!((codes.len(), residuals.len()), (vectors, vectors * bytes));
    let decode = |vector: usize| -> Vec<f32> {
        let packed = &residuals[vector * bytes..][..bytes];
        let bit = |i: usize| usize::from(packed[i / 8] >> (i % 8) & 1);
        let mut x: Vec<f32> = (0..dim)
            .map(|j| {
                let bucket = (0..nbits).fold(0, |n, b| n | bit(j * nbits + b) << b);
                let base = centroid[codes[vector] as usize * dim + j];
                scales[j].mul_add(weights[bucket], base)
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

    let expected: Vec<BTreeSet<u64>> = (0..centroids as u64)
        .map(|c| {
            let has = |d: &u64| {
                let range = vector_offsets[*d as usize]..vector_offsets[*d as usize + 1];
                range.into_iter().any(|v| codes[v as usize] == c)
            };
            (0..documents as u64).filter(has).collect()
        })
        .collect();
    assert_eq!(postings(&files["POST"]), expected);
    read
}

fn postings(file: &Sections) -> Vec<BTreeSet<u64>> {
    let offsets = numbers(&file["LOFF"], 8);
    let list = |range: &[u64]| {
        let bytes = &file["LIST"][range[0] as usize..range[1] as usize];
        let mut found = BTreeSet::new();
        let (mut value, mut shift, mut last) = (0, 0, 0);
        for byte in bytes {
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 {
                last += value;
                assert!(found.insert(last), "a document twice");
                (value, shift) = (0, 0);
            }
        }
        found
    };
    offsets.windows(2).map(list).collect()
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
    same_as_the_engine(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v1"));
}

#[test]
fn indexes_of_every_width_read_the_same() {
    use colidx::*;
    struct Waves(usize);
    impl VectorSource for Waves {
        fn dim(&self) -> usize {
            self.0
        }
        fn encode(
            &mut self,
            documents: &[SourceDocument<'_>],
            out: &mut VectorBatch,
        ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
            for d in documents {
                let len = d.ordinal % 7;
                out.lens.push(len);
                let values =
                    (0..len as usize * self.0).map(|i| (i as f32 + 3.7 * d.ordinal as f32).sin());
                out.vectors.extend(values);
            }
            Ok(())
        }
    }
    for (dim, nbits) in [(5, 1), (7, 2), (13, 4), (6, 8)] {
        let tmp = tempfile::tempdir().unwrap();
        let options = BuildOptions {
            nbits,
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
        builder.finish(&mut Waves(dim), &NoProgress).unwrap();
        same_as_the_engine(tmp.path());
    }
}
