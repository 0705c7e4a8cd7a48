//! Sections 6 to 8: documents, codes, residuals and means.

use super::Document;
use super::bytes::{number, numbers, packed, split_packed};
use super::codebook::Codebook;
use super::columns::columns;
use super::frame::Sections;
use super::json::{Fields, fields};
use super::manifest::Features;
use super::postings::postings;
use super::text::texts;
use super::words::{Words, words};
use std::collections::BTreeMap;

/// All documents of a segment, the deleted ones included: sections 6 to 12.
pub fn segment(
    record: &[u8],
    files: &BTreeMap<&str, &Sections>,
    book: &Codebook,
    unit_length: bool,
    features: &Features,
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
    metadata(files, &texts, features);
    terms(files, &texts, features);
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

/// Columns hold the metadata of the segment's documents, all and no others.
fn metadata(files: &BTreeMap<&str, &Sections>, texts: &[[String; 3]], features: &Features) {
    if !features.columns {
        return;
    }
    let mut expected = Fields::new();
    for (document, [_, _, metadata]) in texts.iter().enumerate() {
        assert!(fields(metadata, document, &mut expected) <= 16_384);
    }
    let file = files.get("COLS");
    let stored = file.map_or_else(Fields::new, |file| columns(file, texts.len()));
    assert_eq!(file.is_some(), !expected.is_empty());
    assert!(stored == expected);
}

/// Posting lists are whole. What terms a text has is the analyzer's affair; of one of them it is
/// known for texts of ASCII words.
fn terms(files: &BTreeMap<&str, &Sections>, texts: &[[String; 3]], features: &Features) {
    let Some((analyzer, version)) = &features.analyzer else {
        return;
    };
    assert_eq!(files.contains_key("WRDS"), files.contains_key("TEXT"));
    let Some(file) = files.get("WRDS") else {
        return;
    };
    let stored = words(file, texts.len(), (analyzer, *version));
    if analyzer != "plain" {
        return;
    }
    let mut expected = Words::new();
    for (document, [title, text, _]) in (0..).zip(texts) {
        let title = title.split_ascii_whitespace();
        let length = title.clone().count() as u64;
        let begins = if length > 0 { length + 15 } else { 0 };
        let text = (begins..).zip(text.split_ascii_whitespace());
        for (position, word) in (0..).zip(title).chain(text) {
            let list = expected.entry(word.as_bytes().to_vec()).or_default();
            match list.last_mut() {
                Some((last, positions)) if *last == document => positions.push(position),
                _ => list.push((document, vec![position])),
            }
        }
    }
    assert!(stored == expected);
}
