//! An index that changes, beside a plain map that changes in the same way.

use super::{Random, found, maxsim, metadata, oracle, unit};
use colidx_core::*;
use std::collections::BTreeMap;
use std::error::Error as StdError;

pub const DIM: usize = 8;

/// Makes a document's vectors from its text alone: as many words as it has, each a vector near that
/// word's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words;

impl VectorSource for Words {
    fn dim(&self) -> usize {
        DIM
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
        for d in documents {
            let vectors = vectors(d.text);
            out.lens.push((vectors.len() / DIM) as u32);
            out.vectors.extend(vectors);
            out.token_ids
                .extend(d.text.split_whitespace().map(|w| w.len() as u32));
        }
        Ok(())
    }
}

pub fn vectors(text: &str) -> Vec<f32> {
    let word = |(at, word): (usize, &str)| {
        let near = xxhash_rust::xxh3::xxh3_64(word.as_bytes());
        let (mut word, mut place) = (Random(near), Random(near ^ (at as u64 + 1)));
        let values = (0..DIM).map(|_| word.normal() + 0.15 * place.normal());
        unit(values.collect())
    };
    text.split_whitespace().enumerate().flat_map(word).collect()
}

/// A text of up to eight words of a small vocabulary; sometimes none.
pub fn text(random: &mut Random) -> String {
    let words: Vec<String> = (0..random.below(9))
        .map(|_| {
            let word = random.below(60);
            "abcdefgh"[..1 + word % 8].to_owned() + &word.to_string()
        })
        .collect();
    words.join(" ")
}

pub fn query(random: &mut Random) -> Vec<f32> {
    loop {
        let vectors = vectors(&text(random));
        if !vectors.is_empty() {
            return vectors;
        }
    }
}

/// Text by key.
pub type Map = BTreeMap<String, String>;

/// The metadata that goes with a text.
pub fn metadata_of(text: &str) -> &'static str {
    metadata::of(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

pub fn document<'a>(key: &'a str, text: &'a str) -> NewDocument<'a> {
    NewDocument::new(key)
        .title("a title")
        .text(text)
        .metadata(metadata_of(text))
}

pub fn build(directory: &Directory, map: &Map, options: BuildOptions) {
    let mut builder = IndexWriter::create_in(directory, options).unwrap();
    for (key, text) in map {
        builder.add(document(key, text)).unwrap();
    }
    builder.commit(&mut Words, &NoProgress).unwrap();
}

/// The index holds what the map holds, and nothing else. Its vectors have at least this product
/// with those that were given.
pub fn check_documents(index: &Index, map: &Map, closeness: f32) {
    assert_eq!(index.num_documents(), map.len() as u64);
    let mut keys: Vec<String> = index
        .doc_ids()
        .map(|doc| index.key(doc).unwrap().to_owned())
        .collect();
    keys.sort();
    assert!(keys.iter().eq(map.keys()), "{keys:?}");
    for (key, text) in map {
        let doc = index.find(key).unwrap().unwrap();
        let stored = index.document(doc).unwrap();
        assert_eq!((&stored.key, &stored.text), (key, text));
        assert_eq!(
            (&stored.title[..], &stored.metadata[..]),
            ("a title", metadata_of(text))
        );
        let (got, made) = (index.token_vectors(doc).unwrap(), vectors(text));
        assert_eq!(got.len(), made.len());
        for (got, made) in got.chunks(DIM).zip(made.chunks(DIM)) {
            let product = maxsim(got, made, DIM);
            assert!(product >= closeness, "{product}: {got:?} of {made:?}");
        }
    }
    assert_eq!(index.find("no such key").unwrap(), None);
}

/// Searches find what a scan of all documents finds: exact ones all of it, quick ones as many, in
/// order, with the same scores.
pub fn check_search(index: &Index, query: &[f32], k: usize) {
    let all = oracle(index, query, usize::MAX);
    let count = k.min(all.len());
    let options = SearchOptions::default().k(k).exact(true);
    let searched = Query::new(query, DIM).unwrap();
    let exact = index.search(&searched, &options).unwrap();
    assert_eq!(found(&exact), all[..count]);
    let options = SearchOptions::default()
        .k(k)
        .n_probe(1)
        .candidates(Some(k))
        .rerank(Some(k));
    let quick = index.search(&searched, &options).unwrap();
    assert_eq!(quick.hits.len(), count);
    let places = quick.hits.iter().map(|hit| {
        let same = |(key, score): &(String, f32)| *key == hit.key && *score == hit.score;
        all.iter().position(same).expect("a hit of this score")
    });
    assert!(places.is_sorted_by(|a, b| a < b));
    if let Some(hit) = quick.hits.first() {
        let matches = index.explain(&searched, hit.doc).unwrap();
        let sum = matches.iter().fold(0f32, |sum, m| sum + m.score);
        assert_eq!(sum, hit.score);
    }
}

/// Filters find what a plain evaluation finds, alone and in searches; fields and values are those
/// of the map's documents.
pub fn check_filters(index: &Index, map: &Map, random: &mut Random) {
    let documents: Vec<(&str, &str)> = map
        .iter()
        .map(|(key, text)| (&key[..], metadata_of(text)))
        .collect();
    metadata::check_fields(index, &documents);
    let query = query(random);
    let all = oracle(index, &query, usize::MAX);
    for _ in 0..4 {
        let filter = metadata::filter(random, 2);
        let Some(keys) = metadata::check_filter(index, &filter, &documents) else {
            continue;
        };
        let mut expected = all.clone();
        expected.retain(|(key, _)| keys.contains(&key[..]));
        for k in [3, 100] {
            let options = SearchOptions::default().k(k).filter(filter.clone());
            let searched = Query::new(&query, DIM).unwrap();
            let exact = index.search(&searched, &options.clone().exact(true));
            let count = k.min(expected.len());
            assert_eq!(found(&exact.unwrap()), expected[..count], "{filter}");
            let quick = found(&index.search(&searched, &options.n_probe(1)).unwrap());
            assert_eq!(quick.len(), count, "{filter}");
            assert!(quick.iter().all(|hit| expected.contains(hit)), "{filter}");
        }
    }
}
