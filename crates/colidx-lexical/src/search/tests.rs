use super::*;
use crate::Analyzer;
use crate::MemorySections;
use crate::Options;
use crate::write::tests::{build, corpus};
use proptest::prelude::*;
use std::collections::HashSet;

/// Uses all that a search offers, on bytes that may be damaged.
pub(crate) fn search_anything<B: AsRef<[u8]>>(
    reader: &Reader<B>,
    query: &str,
    analyzer: &Analyzer,
) {
    for deleted in [&[][..], &[0b1010]] {
        // Two, so that what they say is added up.
        let segments = [deleted; 2].map(|deleted| Segment {
            reader,
            live: reader.live(deleted),
            hidden: deleted,
        });
        let query = Query::parse(query, analyzer).unwrap();
        if let Ok(search) = Search::new(&segments, &query) {
            let _ = search.top_k(10);
            let _ = search.top_k_by(3, |a, b| b.cmp(&a));
            let _ = search.score(0, &[0, 1, 5, 100, 1 << 31]);
            let _ = search.explain(0, 1);
        }
    }
}

/// Documents in segments, some deleted, some not wanted.
#[derive(Debug, Clone)]
struct Corpus {
    segments: Vec<Vec<(String, String)>>,
    deleted: Vec<Vec<u64>>,
    hidden: Vec<Vec<u64>>,
}

fn bits(of: &HashSet<u32>, documents: usize) -> Vec<u64> {
    let mut words = vec![0; documents.div_ceil(64)];
    for &document in of {
        words[document as usize / 64] |= 1 << (document % 64);
    }
    words
}

fn corpora() -> impl Strategy<Value = Corpus> {
    let most = prop_oneof![4 => Just(150usize), 1 => Just(6000)];
    let segments =
        (most, 1usize..4).prop_flat_map(|(most, n)| proptest::collection::vec(corpus(most), n));
    (segments, 0u32..3, 0u32..3, any::<u32>()).prop_map(|(segments, deletions, filters, seed)| {
        // A cheap source of bits is enough to choose documents.
        let chosen = |salt: u32, share: u32| {
            move |segment: usize, document: u32| {
                let mut x = seed ^ salt ^ (segment as u32) << 20 ^ document;
                x = (x ^ x >> 16).wrapping_mul(0x7FEB_352D);
                x = (x ^ x >> 15).wrapping_mul(0x846C_A68B);
                (x ^ x >> 16) % 4 < share
            }
        };
        let (is_deleted, is_hidden) = (chosen(1, deletions), chosen(2, filters));
        let mut corpus = Corpus {
            segments,
            deleted: Vec::new(),
            hidden: Vec::new(),
        };
        for (at, documents) in corpus.segments.iter().enumerate() {
            let all = 0..documents.len() as u32;
            let deleted: HashSet<u32> = all.clone().filter(|&d| is_deleted(at, d)).collect();
            let hidden = all
                .filter(|&d| deleted.contains(&d) || is_hidden(at, d))
                .collect();
            corpus.deleted.push(if deletions == 0 {
                Vec::new()
            } else {
                bits(&deleted, documents.len())
            });
            corpus.hidden.push(bits(&hidden, documents.len()));
        }
        corpus
    })
}

const OPTIONS: Options = Options {
    positions: true,
    memory: 1 << 28,
};

fn built(corpus: &Corpus) -> Vec<MemorySections> {
    let built = corpus
        .segments
        .iter()
        .map(|documents| build(documents, OPTIONS));
    built.collect()
}

fn readers(sections: &[MemorySections]) -> Vec<Reader<&[u8]>> {
    sections
        .iter()
        .map(|sections| Reader::in_memory(sections).unwrap())
        .collect()
}

fn segments<'a>(corpus: &'a Corpus, readers: &'a [Reader<&'a [u8]>]) -> Vec<Segment<'a, &'a [u8]>> {
    let bits = corpus.deleted.iter().zip(&corpus.hidden);
    let segments = readers
        .iter()
        .zip(bits)
        .map(|(reader, (deleted, hidden))| Segment {
            reader,
            live: reader.live(deleted),
            hidden,
        });
    segments.collect()
}

/// Words of a document with gaps: what a phrase is looked for in.
fn words(document: &(String, String)) -> Vec<&str> {
    let mut words: Vec<&str> = document.0.split(' ').filter(|w| !w.is_empty()).collect();
    words.push("|");
    words.extend(document.1.split(' ').filter(|w| !w.is_empty()));
    words
}

fn terms(document: &(String, String)) -> impl Iterator<Item = &str> {
    words(document).into_iter().filter(|&word| word != "|")
}

/// The documents that are not deleted.
fn live(corpus: &Corpus) -> Vec<&(String, String)> {
    let segments = corpus.segments.iter().zip(&corpus.deleted);
    let live = segments.flat_map(|(documents, deleted)| {
        let all = documents.iter().enumerate();
        all.filter(|(at, _)| !crate::format::has_bit(deleted, *at as u32))
    });
    live.map(|(_, document)| document).collect()
}

/// BM25 of all live documents by its definition.
fn by_definition(corpus: &Corpus, query: &Query) -> Vec<Vec<f64>> {
    let live = live(corpus);
    let count = live.len() as f64;
    let average = live.iter().map(|d| terms(d).count()).sum::<usize>() as f64 / count;
    let (k1, b) = (f64::from(query.k1()), f64::from(query.b()));
    let score = |document| {
        let length = terms(document).count() as f64;
        let score = |term: &crate::QueryTerm| {
            let n = live
                .iter()
                .filter(|d| terms(d).any(|t| t == term.text))
                .count() as f64;
            let tf = terms(document).filter(|&t| t == term.text).count() as f64;
            let idf = (1.0 + (count - n + 0.5) / (n + 0.5)).ln();
            f64::from(term.count) * idf * tf / (tf + k1 * (1.0 - b + b * length / average))
        };
        query
            .terms()
            .iter()
            .map(score)
            .filter(|s| !s.is_nan())
            .sum()
    };
    let all = corpus.segments.iter();
    all.map(|documents| documents.iter().map(score).collect())
        .collect()
}

fn query() -> impl Strategy<Value = String> {
    let word = (0u32..12, 0u32..4000).prop_map(|(log, n)| format!("w{} ", n >> log));
    proptest::collection::vec(word, 1..9).prop_map(|words| words.concat())
}

fn settings() -> impl Strategy<Value = (f32, f32)> {
    prop_oneof![
        Just((0.9, 0.4)),
        Just((1.2, 0.75)),
        Just((0.0, 0.0)),
        (0.0f32..5.0, 0.0f32..=1.0)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_best_are_those_of_all_scores(
        corpus in corpora(),
        text in query(),
        (k1, b) in settings(),
        k in prop_oneof![0usize..30, Just(10_000)],
    ) {
        let sections = built(&corpus);
        let readers = readers(&sections);
        let segments = segments(&corpus, &readers);
        let query = Query::words(&text, &Analyzer::by_name("plain").unwrap()).unwrap();
        let query = query.with_settings(k1, b).unwrap();
        let search = Search::new(&segments, &query).unwrap();
        let mut all = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let documents: Vec<u32> = (0..segment.reader.info().documents).collect();
            let scores = search.score(at, &documents).unwrap();
            for (document, score) in documents.into_iter().zip(scores) {
                let hidden = crate::format::has_bit(segment.hidden, document);
                if score > 0.0 && !hidden {
                    all.push(Hit { segment: at, document, score });
                }
            }
        }
        let place = |hit: &Hit| (hit.segment, hit.document);
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(place(a).cmp(&place(b))));
        let best = &all[..k.min(all.len())];
        prop_assert_eq!(search.top_k(k).unwrap(), best);
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(place(b).cmp(&place(a))));
        let best = &all[..k.min(all.len())];
        prop_assert_eq!(search.top_k_by(k, |a, b| b.cmp(&a)).unwrap(), best);
        prop_assert!(best.iter().all(|hit| hit.score <= search.most()));
    }

    #[test]
    fn demands_are_met_as_the_text_says(
        corpus in corpora(),
        clauses in proptest::collection::vec((0usize..6, 0u32..8, 0u32..8), 1..4),
    ) {
        let text: String = clauses
            .iter()
            .map(|&(kind, a, b)| match kind {
                0 => format!("w{a} "),
                1 => format!("+w{a} "),
                2 => format!("-w{a} "),
                3 => format!("-\"w{a} w{b}\" "),
                _ => format!("\"w{a} w{b}\" "),
            })
            .collect();
        let text = text + "w1 w0";
        let sections = built(&corpus);
        let readers = readers(&sections);
        let segments = segments(&corpus, &readers);
        let query = Query::parse(&text, &Analyzer::by_name("plain").unwrap()).unwrap();
        let search = Search::new(&segments, &query).unwrap();
        let mut expected = Vec::new();
        for (at, documents) in corpus.segments.iter().enumerate() {
            for (number, document) in documents.iter().enumerate() {
                let words = words(document);
                let has = |n: u32| words.contains(&&format!("w{n}")[..]);
                let has_phrase = |a: u32, b: u32| {
                    let phrase = [format!("w{a}"), format!("w{b}")];
                    words.windows(2).any(|pair| pair == phrase)
                };
                let meets = clauses.iter().all(|&(kind, a, b)| match kind {
                    0 => true,
                    1 => has(a),
                    2 => !has(a),
                    3 => !has_phrase(a, b),
                    _ => has_phrase(a, b),
                });
                let hidden = crate::format::has_bit(&corpus.hidden[at], number as u32);
                let scores = query.terms().iter().any(|t| t.count > 0 && words.contains(&&t.text[..]));
                if meets && scores && !hidden {
                    expected.push((at, number as u32));
                }
            }
        }
        let hits = search.top_k(usize::MAX).unwrap();
        let mut got: Vec<Place> = hits.iter().map(|h| (h.segment, h.document)).collect();
        got.sort_unstable();
        prop_assert_eq!(got, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn scores_are_bm25(corpus in corpora(), text in query(), (k1, b) in settings()) {
        prop_assume!(corpus.segments.iter().map(Vec::len).sum::<usize>() < 600);
        let sections = built(&corpus);
        let readers = readers(&sections);
        let segments = segments(&corpus, &readers);
        let query = Query::words(&text, &Analyzer::by_name("plain").unwrap()).unwrap();
        let query = query.with_settings(k1, b).unwrap();
        let search = Search::new(&segments, &query).unwrap();
        for (at, expected) in by_definition(&corpus, &query).into_iter().enumerate() {
            let documents: Vec<u32> = (0..expected.len() as u32).collect();
            for (document, got) in search.score(at, &documents).unwrap().into_iter().enumerate() {
                let near = search.most() as f64 * 3e-6;
                prop_assert!((f64::from(got) - expected[document]).abs() <= near, "{got} {}", expected[document]);
                let parts = search.explain(at, document as u32).unwrap();
                let sum: f64 = parts.iter().map(|part| f64::from(part.score)).sum();
                prop_assert_eq!(sum, f64::from(got));
            }
        }
    }

    #[test]
    fn a_changed_index_ranks_as_a_rebuilt_one(corpus in corpora(), text in query()) {
        let rest: Vec<_> = live(&corpus).into_iter().cloned().collect();
        let (before, after) = (built(&corpus), build(&rest, OPTIONS));
        let before = readers(&before);
        let segments: Vec<_> = before
            .iter()
            .zip(&corpus.deleted)
            .map(|(reader, deleted)| Segment { reader, live: reader.live(deleted), hidden: deleted })
            .collect();
        let after = Reader::in_memory(&after).unwrap();
        let rebuilt = [Segment { reader: &after, live: after.live(&[]), hidden: &[] }];
        let query = Query::words(&text, &Analyzer::by_name("plain").unwrap()).unwrap();
        let hits = |segments, documents: &[Vec<(String, String)>]| {
            let hits = Search::new(segments, &query).unwrap().top_k(20).unwrap();
            let hits = hits.into_iter();
            hits.map(|hit| (documents[hit.segment][hit.document as usize].clone(), hit.score))
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(hits(&segments, &corpus.segments), hits(&rebuilt, &[rest]));
    }
}

#[test]
fn a_query_of_stop_words_has_no_hits() {
    let documents = [("".into(), "w1".into())];
    let sections = build(&documents, OPTIONS);
    let reader = Reader::in_memory(&sections).unwrap();
    let segments = [Segment {
        reader: &reader,
        live: reader.live(&[]),
        hidden: &[],
    }];
    let query = Query::parse("the", &Analyzer::by_name("english").unwrap()).unwrap();
    assert!(query.is_empty());
    assert_eq!(Search::new(&segments, &query).unwrap().top_k(5), Ok(vec![]));
}

#[test]
fn phrases_need_positions() {
    let without = Options {
        positions: false,
        ..OPTIONS
    };
    let sections = build(&[("".into(), "w1 w2".into())], without);
    let reader = Reader::in_memory(&sections).unwrap();
    let segments = [Segment {
        reader: &reader,
        live: reader.live(&[]),
        hidden: &[],
    }];
    let query = Query::parse("\"w1 w2\"", &Analyzer::by_name("plain").unwrap()).unwrap();
    assert_eq!(
        Search::new(&segments, &query).err(),
        Some(crate::Error::NoPositions)
    );
}

#[test]
fn many_terms_are_bounded() {
    let text: String = (0..10_000).map(|i| format!("w{i} ")).collect();
    let sections = build(
        &[("".into(), text.clone()), ("".into(), "w5".into())],
        OPTIONS,
    );
    let reader = Reader::in_memory(&sections).unwrap();
    let segments = [Segment {
        reader: &reader,
        live: reader.live(&[]),
        hidden: &[],
    }];
    let query = Query::words(&text, &Analyzer::by_name("plain").unwrap()).unwrap();
    let search = Search::new(&segments, &query).unwrap();
    let hits = search.top_k(5).unwrap();
    assert_eq!(hits.iter().map(|h| h.document).collect::<Vec<_>>(), [0, 1]);
}
