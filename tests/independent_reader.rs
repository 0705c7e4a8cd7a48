//! A second reader, written from `index-format.md` alone: plain byte arithmetic, nothing of the
//! engine's parsing. What it reads must be what the engine reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
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
    assert_eq!(number(&file, 12, 2), 5);
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
        assert!(entry[..4].iter().all(|b| (0x20..=0x7E).contains(b)));
        assert_eq!(number(entry, 4, 4), 0);
        let (offset, length) = (number(entry, 8, 8) as usize, number(entry, 16, 8) as usize);
        assert_eq!(offset, usize::next_multiple_of(end, 64));
        assert!(file[end..offset].iter().all(|b| *b == 0));
        let section = &file[offset..offset + length];
        assert_eq!(number(entry, 24, 8), checksum(section));
        let tag = String::from_utf8(entry[..4].to_vec()).unwrap();
        assert!(found.insert(tag, section.to_vec()).is_none());
        end = offset + length;
    }
    assert_eq!(end.next_multiple_of(64), directory);
    (found, number(footer, 48, 8))
}

#[derive(Debug, Clone, PartialEq)]
struct Document {
    key: String,
    fields: [String; 3],
    vectors: Vec<f32>,
}

/// Sections 4 to 11: every rule of them is asserted.
fn read(path: &Path) -> Vec<Document> {
    let (manifest, _) = frame(&path.join("manifest"), "MANI");
    let head = &manifest["HEAD"];
    let (dim, nbits) = (number(head, 16, 4) as usize, number(head, 20, 4) as usize);
    let centroids = number(head, 24, 4) as usize;
    let segments: Vec<&[u8]> = manifest["SEGM"].chunks(40).collect();
    assert_eq!(number(head, 36, 4), segments.len() as u64);
    assert!(number(head, 0, 8) >= 1 && number(head, 28, 4) <= 100_000_000);
    assert_eq!((number(head, 40, 8) >> 1, number(head, 48, 8)), (0, 0));
    model(&manifest["MODL"]);

    let names = BTreeMap::from([
        ("BOOK", "codebook"),
        ("DOCS", "documents"),
        ("CODE", "codes"),
        ("RESI", "residuals"),
        ("MEAN", "means"),
        ("POST", "postings"),
        ("TEXT", "text"),
        ("DELE", "deletions"),
    ]);
    let (mut files, mut book, mut dead) = (BTreeMap::new(), None, BTreeSet::new());
    for record in manifest["FILE"].chunks(32) {
        let kind = std::str::from_utf8(&record[..4]).unwrap().to_owned();
        let file = number(record, 4, 4);
        assert!(file < number(head, 28, 4));
        let name = format!("{}-{file:08}.clx", names[&kind[..]]);
        let (sections, seal) = frame(&path.join(&name), &kind);
        assert_eq!(number(record, 16, 8), seal);
        assert_eq!(
            number(record, 8, 8),
            std::fs::metadata(path.join(&name)).unwrap().len()
        );
        match &kind[..] {
            "BOOK" => {
                assert_eq!(file, number(head, 32, 4));
                assert!(book.is_none());
                book = Some(codebook(&sections, dim, nbits, centroids));
            }
            "DELE" => {
                let pairs: Vec<(u64, u64)> = numbers(&sections["DEAD"], 4)
                    .chunks(2)
                    .map(|pair| (pair[1], pair[0]))
                    .collect();
                assert!(pairs.is_sorted_by(|a, b| a < b));
                assert!(pairs.into_iter().all(|pair| dead.insert(pair)));
            }
            _ => assert!(files.insert((kind, file), sections).is_none()),
        }
    }
    let book = book.unwrap();
    let unit_length = number(head, 40, 8) == 1;
    let owners: BTreeSet<u64> = segments.iter().map(|s| number(s, 0, 4)).collect();
    assert_eq!(owners.len(), segments.len());
    assert!(files.keys().all(|(_, file)| owners.contains(file)));
    let mut documents = Vec::new();
    for record in segments {
        let file = number(record, 0, 4);
        let files = files.iter().filter(|((_, number), _)| *number == file);
        let files = files
            .map(|((kind, _), sections)| (&kind[..], sections))
            .collect();
        let read = segment(record, &files, &book, unit_length);
        let is_dead = |document: usize| dead.contains(&(file, document as u64));
        let (gone, live): (Vec<_>, Vec<_>) = read
            .into_iter()
            .enumerate()
            .partition(|(at, _)| is_dead(*at));
        let vectors = gone
            .iter()
            .map(|(_, d)| d.vectors.len() / dim)
            .sum::<usize>();
        assert_eq!(number(record, 16, 4), gone.len() as u64);
        assert_eq!(number(record, 24, 8), vectors as u64);
        documents.extend(live.into_iter().map(|(_, document)| document));
    }
    assert_eq!(number(head, 56, 8), documents.len() as u64);
    let keys: BTreeSet<&String> = documents.iter().map(|d| &d.key).collect();
    assert_eq!(keys.len(), documents.len());
    documents
}

/// Sections 6 to 10: all documents of a segment, the deleted ones included.
fn segment(
    record: &[u8],
    files: &BTreeMap<&str, &Sections>,
    book: &Codebook,
    unit_length: bool,
) -> Vec<Document> {
    let (documents, vectors) = (number(record, 4, 4) as usize, number(record, 8, 8) as usize);
    assert_eq!(number(record, 20, 4), 0);
    assert!(f64::from_bits(number(record, 32, 8)) >= 0.0);
    let (dim, nbits) = (book.steps.len(), book.weights.len().ilog2() as usize - 1);
    let centroids = book.centroids.len() / dim;
    let width = (1..).find(|w| 1 << w >= 16 * centroids).unwrap();
    let (packed_codes, tail) = split_packed(&files["CODE"]["CODE"], width, vectors);
    assert_eq!(tail, [0; 8]);
    let codes: Vec<usize> = (0..vectors)
        .map(|v| packed(packed_codes, width, v))
        .collect();
    assert!(codes.iter().all(|c| *c / 16 < centroids));
    let residuals = &files["RESI"]["RESI"];
    let bytes = (dim * nbits).div_ceil(8);
    assert_eq!(residuals.len(), vectors * bytes);
    let decode = |vector: usize| -> Vec<f32> {
        let (stored, _) = split_packed(&residuals[vector * bytes..][..bytes], nbits, dim);
        let (centroid, gain) = (codes[vector] / 16, codes[vector] % 16);
        // The lowest bit of the dimension that lies at the same place some bytes before.
        let lowest = |j: usize, bytes: usize| match j.checked_sub(bytes * 8 / nbits) {
            Some(before) => packed(stored, nbits, before) & 1,
            None => 0,
        };
        let mut x: Vec<f32> = (0..dim)
            .map(|j| {
                let bucket = packed(stored, nbits, j) ^ lowest(j, 2);
                let weight = book.gains[gain] * book.weights[(lowest(j, 1) << nbits) + bucket];
                let c = book.steps[j] * f32::from(book.centroids[centroid * dim + j]);
                book.scales[j].mul_add(weight, c)
            })
            .collect();
        let squares = x.iter().map(|&x| f64::from(x) * f64::from(x));
        assert!(squares.sum::<f64>() <= 124f64.exp2());
        if unit_length {
            let mut p = [0f32; 16];
            for (j, x) in x.iter().enumerate() {
                p[j % 16] = x.mul_add(*x, p[j % 16]);
            }
            for half in [8, 4, 2, 1] {
                for i in 0..half {
                    p[i] += p[i + half];
                }
            }
            if p[0] != 0.0 {
                x.iter_mut().for_each(|x| *x *= 1.0 / p[0].sqrt());
            }
        }
        x
    };

    let docs = &files["DOCS"];
    let vector_offsets = numbers(&docs["VOFF"], 8);
    let key_offsets = numbers(&docs["KOFF"], 8);
    for (offsets, end) in [
        (&vector_offsets, vectors),
        (&key_offsets, docs["KEYS"].len()),
    ] {
        assert_eq!(offsets.len(), documents + 1);
        assert_eq!((offsets[0], offsets[documents]), (0, end as u64));
        assert!(offsets.is_sorted());
    }
    let key = |d: usize| {
        let range = key_offsets[d] as usize..key_offsets[d + 1] as usize;
        assert!((1..=4096).contains(&range.len()));
        String::from_utf8(docs["KEYS"][range].to_vec()).unwrap()
    };
    let sorted: Vec<String> = numbers(&docs["SORT"], 4)
        .iter()
        .map(|d| key(*d as usize))
        .collect();
    assert!(sorted.len() == documents && sorted.windows(2).all(|w| w[0] < w[1]));

    let means = &files["MEAN"]["MEAN"];
    assert_eq!(means.len(), documents * dim);

    let texts = files
        .get("TEXT")
        .map_or(vec![Default::default(); documents], |file| texts(file));
    assert_eq!(texts.len(), documents);
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
            let list: &mut Vec<usize> = &mut expected[codes[v as usize] / 16];
            if list.last() != Some(&d) {
                list.push(d);
            }
        }
    }
    assert_eq!(postings(files["POST"], documents, centroids), expected);
    read
}

struct Codebook {
    centroids: Vec<i8>,
    steps: Vec<f32>,
    weights: Vec<f32>,
    gains: Vec<f32>,
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
        assert!(number(group, 8, 4) > 0);
        end += number(group, 8, 4);
    }
    assert_eq!(end, centroids as u64);
    assert!(tokens.is_sorted_by(|a, b| a < b));
    let mut members = numbers(&file["MEMB"], 4);
    members.sort_unstable();
    assert!(members.into_iter().eq(0..centroids as u64));

    assert!(f64::from_bits(number(&file["FIT."], 0, 8)).is_finite() && file["FIT."].len() == 8);
    let book = Codebook {
        centroids: file["CENT"].iter().map(|b| b.cast_signed()).collect(),
        steps: floats(&file["STEP"]),
        weights: floats(&file["WGHT"]),
        gains: floats(&file["GAIN"]),
        scales: floats(&file["SCAL"]),
    };
    assert_eq!(book.centroids.len(), centroids * dim);
    assert_eq!((book.steps.len(), book.scales.len()), (dim, dim));
    assert_eq!((book.weights.len(), book.gains.len()), (2 << nbits, 16));
    assert!(book.weights.chunks(1 << nbits).all(<[f32]>::is_sorted));
    assert!(book.gains.is_sorted());
    let greatest = |values: &[f32]| {
        assert!(values.iter().all(|x| x.is_finite()));
        let magnitudes = values.iter().map(|&x| f64::from(x).abs());
        magnitudes.fold(0.0, f64::max)
    };
    let heaviest = greatest(&book.gains) * greatest(&book.weights);
    assert!(heaviest <= f64::from(f32::MAX));
    for (step, scale) in book.steps.iter().zip(&book.scales) {
        let bound = 128.0 * greatest(&[*step]) + greatest(&[*scale]) * heaviest;
        assert!(bound <= f64::from(f32::MAX));
    }
    book
}

/// Section 9.
fn postings(file: &Sections, documents: usize, centroids: usize) -> Vec<Vec<usize>> {
    let mut names = numbers(&file["LCEN"], 4);
    assert!(names.is_sorted_by(|a, b| a < b));
    let offsets = numbers(&file["LOFF"], 8);
    let (lists, tail) = file["LIST"].split_at(file["LIST"].len() - 8);
    assert_eq!(tail, [0; 8]);
    assert_eq!(
        (offsets[0], offsets[offsets.len() - 1]),
        (0, lists.len() as u64)
    );
    if names.is_empty() && offsets.len() == centroids + 1 {
        names = (0..centroids as u64).collect();
    }
    assert_eq!(offsets.len(), names.len() + 1);
    let mut found = vec![Vec::new(); centroids];
    for (name, range) in names.iter().zip(offsets.windows(2)) {
        let code = &lists[range[0] as usize..range[1] as usize];
        found[*name as usize] = list(code, documents);
    }
    found
}

/// An Elias-Fano code.
fn list(code: &[u8], documents: usize) -> Vec<usize> {
    let bytes = 1 + code.iter().position(|b| b & 128 == 0).unwrap();
    let (leb128, rest) = code.split_at(bytes);
    assert!(bytes <= 5 && (bytes == 1 || leb128[bytes - 1] != 0));
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
    assert!(!blocks.is_empty() || file["DATA"].is_empty());
    for (i, block) in blocks.iter().enumerate() {
        assert_eq!(number(block, 8, 4), found.len() as u64);
        let start = number(block, 0, 8) as usize;
        assert!(i > 0 || start == 0);
        let end = blocks
            .get(i + 1)
            .map_or(file["DATA"].len(), |b| number(b, 0, 8) as usize);
        let frame = &file["DATA"][start..end];
        assert!(frame.starts_with(b"\x28\xb5\x2f\xfd"));
        // Without `single_frame` more of them would be decompressed, one after the other.
        let decoder = zstd::stream::read::Decoder::with_buffer(frame).unwrap();
        let mut decoder = decoder.single_frame();
        let mut raw = Vec::new();
        decoder.read_to_end(&mut raw).unwrap();
        assert_eq!(decoder.finish(), b"");
        assert!(raw.len() as u64 == number(block, 12, 4) && !raw.is_empty());
        let mut at = 0;
        while at < raw.len() {
            let lens = [0, 4, 8].map(|o| number(&raw, at + o, 4) as usize);
            assert!(lens.iter().sum::<usize>() <= 33_554_432);
            at += 12;
            let fields = lens.map(|len| {
                let text = String::from_utf8(raw[at..at + len].to_vec()).unwrap();
                at += len;
                text
            });
            let json = serde_json::from_str(&fields[2]);
            assert!(fields[2].is_empty() || matches!(json, Ok(serde_json::Value::Object(_))));
            found.push(fields);
        }
    }
    found
}

/// `MODL`.
fn model(json: &[u8]) {
    if json.is_empty() {
        return;
    }
    assert!(json.len() <= 1 << 20);
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).unwrap();
    for name in ["document_length", "query_length"] {
        assert!((1..=65_536).contains(&fields[name].as_u64().unwrap()));
    }
    let mut strings: Vec<&serde_json::Value> =
        fields["skiplist"].as_array().unwrap().iter().collect();
    strings.extend(fields.get("precision"));
    for name in [
        "name",
        "location",
        "fingerprint",
        "architecture",
        "document_marker",
        "query_marker",
    ] {
        strings.push(&fields[name]);
    }
    assert!(strings.iter().all(|s| s.as_str().unwrap().len() <= 4096));
}

/// Section 15: keys and scores of the documents with vectors, in the order of hits.
fn scores(documents: &[Document], query: &[f32], dim: usize) -> Vec<(String, u32)> {
    let mut hits = Vec::new();
    for document in documents.iter().filter(|d| !d.vectors.is_empty()) {
        let mut score = 0f32;
        for q in query.chunks(dim) {
            let mut greatest = f32::NEG_INFINITY;
            for x in document.vectors.chunks(dim) {
                let mut dot = 0f32;
                for j in 0..dim {
                    dot = q[j].mul_add(x[j], dot);
                }
                greatest = greatest.max(dot);
            }
            score += greatest;
        }
        hits.push((score, document.key.clone()));
    }
    hits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.as_bytes().cmp(b.1.as_bytes())));
    let bits = hits.into_iter().map(|(score, key)| (key, score.to_bits()));
    bits.collect()
}

fn same_as_the_engine(path: &Path) {
    let index = colidx_core::Index::open(path).unwrap();
    index.verify().unwrap();
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
    let ours = read(path);
    assert_eq!(ours, theirs);
    let dim = index.dim();
    for tokens in [1, 3, 32] {
        let wave = |i: usize| ((i * i) as f32 * 0.37 + tokens as f32).sin();
        let query: Vec<f32> = (0..tokens * dim).map(wave).collect();
        let exact = colidx_core::SearchOptions::default()
            .k(ours.len())
            .exact(true);
        let found = colidx_core::Query::new(&query, dim).unwrap();
        let found = index.search(&found, &exact).unwrap().hits.into_iter();
        let found: Vec<(String, u32)> = found.map(|h| (h.key, h.score.to_bits())).collect();
        assert_eq!(found, scores(&ours, &query, dim));
    }
}

#[test]
fn the_golden_index_reads_the_same() {
    same_as_the_engine(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v5"));
}

#[test]
fn indexes_of_every_width_read_the_same() {
    use colidx_core::*;
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
        let mut source = Waves { dim, unit };
        builder.finish(&mut source, &NoProgress).unwrap();
        same_as_the_engine(tmp.path());

        // A second, small segment; deletions in both and in one file and another.
        let options = WriterOptions {
            merge: false,
            ..Default::default()
        };
        let mut writer = IndexWriter::open(tmp.path(), options).unwrap();
        for d in 290..300 {
            let (key, text) = (format!("key {d}"), format!("new {d}"));
            let document = NewDocument {
                key: &key,
                text: &text,
                ..Default::default()
            };
            writer.update(&document).unwrap();
        }
        writer.commit(&mut source, &NoProgress).unwrap();
        assert!(writer.delete("key 7").unwrap() && writer.delete("key 291").unwrap());
        writer.commit(&mut NoVectors, &NoProgress).unwrap();
        same_as_the_engine(tmp.path());
        writer.compact(&NoProgress).unwrap();
        same_as_the_engine(tmp.path());
    }
}
