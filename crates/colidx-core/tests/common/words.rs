//! Queries of words, answered plainly by a look at every text. Its words are neither stop words nor
//! changed by stemming.

use super::live::{Map, text};
use super::{Random, found, oracle};
use colidx_core::*;
use std::collections::{BTreeMap, BTreeSet};

const K1: f64 = 0.9;
const B: f64 = 0.4;

/// A word or a phrase of a query, and its sign: `+`, `-` or a space.
struct Clause {
    sign: char,
    words: Vec<String>,
}

impl Clause {
    fn random(map: &Map, random: &mut Random) -> Self {
        let texts: Vec<&String> = map.values().collect();
        let text = match texts.len() {
            // Words that perhaps no document has.
            0 => text(random),
            texts_len if random.below(4) > 0 => texts[random.below(texts_len)].clone(),
            _ => text(random),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let count = [1, 1, 1, 2, 3][random.below(5)];
        let start = random.below(words.len().max(1));
        let words = words.iter().skip(start).take(count);
        Self {
            sign: [' ', ' ', ' ', '+', '-'][random.below(5)],
            words: words.map(ToString::to_string).collect(),
        }
    }

    fn written(&self) -> String {
        let text = self.words.join(" ");
        match self.words.len() {
            1 => format!("{}{text}", self.sign),
            _ => format!("{}\"{text}\"", self.sign),
        }
    }

    fn holds(&self, text: &[&str]) -> bool {
        let mut places = text.windows(self.words.len());
        let is_there = places.any(|place| place.iter().eq(&self.words));
        match (self.sign, self.words.len()) {
            ('-', _) => !is_there,
            (' ', 1) => true,
            _ => is_there,
        }
    }
}

/// BM25 of every document that a query finds.
fn scores<'m>(map: &'m Map, clauses: &[Clause]) -> BTreeMap<&'m str, f64> {
    let texts: Vec<(&str, Vec<&str>)> = map
        .iter()
        .map(|(key, text)| (&key[..], text.split_whitespace().collect()))
        .collect();
    let scored = clauses.iter().filter(|clause| clause.sign != '-');
    let words: Vec<&str> = scored
        .flat_map(|clause| &clause.words)
        .map(String::as_str)
        .collect();
    let documents = texts.len() as f64;
    // One word of the title, whose other is a stop word.
    let length = |text: &[&str]| 1.0 + text.len() as f64;
    let average = texts.iter().map(|(_, text)| length(text)).sum::<f64>() / documents;
    let mut found = BTreeMap::new();
    for (key, text) in &texts {
        let score = |word: &&str| {
            let having = texts.iter().filter(|(_, text)| text.contains(word)).count() as f64;
            let idf = (1.0 + (documents - having + 0.5) / (having + 0.5)).ln();
            let tf = text.iter().filter(|of| *of == word).count() as f64;
            idf * tf / (tf + K1 * (1.0 - B + B * length(text) / average))
        };
        let score = words.iter().map(score).sum::<f64>();
        if score > 0.0 && clauses.iter().all(|clause| clause.holds(text)) {
            found.insert(*key, score);
        }
    }
    found
}

/// Searches for words find what a look at every text finds, alone and with vectors.
pub fn check_words(index: &Index, map: &Map, query: &[f32], random: &mut Random) {
    let maxsim: BTreeMap<String, f32> = oracle(index, query, usize::MAX).into_iter().collect();
    let query = Query::new(query, index.dim()).unwrap();
    for _ in 0..3 {
        let clauses: Vec<Clause> = (0..1 + random.below(4))
            .map(|_| Clause::random(map, random))
            .filter(|clause| !clause.words.is_empty())
            .collect();
        let text: Vec<String> = clauses.iter().map(Clause::written).collect();
        let text = text.join(" ");
        let words = WordQuery::parse(&text);
        let expected = scores(map, &clauses);
        let options = SearchOptions::default().k(1000);
        let all = found(&index.search_words(&words, &options).unwrap());
        let keys: BTreeSet<&str> = all.iter().map(|(key, _)| &key[..]).collect();
        assert!(
            keys.iter().eq(expected.keys()),
            "{text}: {all:?}, {expected:?}"
        );
        for (key, score) in &all {
            let difference = (f64::from(*score) - expected[&key[..]]).abs();
            assert!(difference < 1e-5, "{text}: {key} {score}, {expected:?}");
        }
        let order = |a: &(String, f32), b: &(String, f32)| {
            b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)).is_lt()
        };
        assert!(all.is_sorted_by(order), "{text}: {all:?}");
        let options = SearchOptions::default().k(3);
        let first = found(&index.search_words(&words, &options).unwrap());
        assert_eq!(first, all[..3.min(all.len())], "{text}");

        let both = index.search_hybrid(&query, &words, Fusion::default(), &options);
        let both = both.unwrap().hits;
        assert!(both.len() >= first.len(), "{text}: {both:?}");
        for hit in both {
            assert_eq!(hit.maxsim, maxsim.get(&hit.key).copied(), "{text}");
            let bm25 = all.iter().find(|(key, _)| *key == hit.key);
            // A document that has none of the words may still have all that they demand.
            let holds = || {
                let of_hit: Vec<&str> = map[&hit.key].split_whitespace().collect();
                clauses.iter().all(|clause| clause.holds(&of_hit))
            };
            assert!(bm25.is_some() || holds(), "{text}: {hit:?}");
            assert_eq!(hit.bm25, Some(bm25.map_or(0.0, |found| found.1)), "{text}");
        }
    }
}
