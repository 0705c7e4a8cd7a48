//! The promises under "Search" in the design, each with a test.

mod common;

use colidx::*;
use common::*;

fn options(nbits: u32) -> BuildOptions {
    BuildOptions {
        nbits,
        ..Default::default()
    }
}

fn exact(k: usize) -> SearchOptions {
    SearchOptions {
        k,
        exact: true,
        ..Default::default()
    }
}

#[test]
fn exact_search_is_the_oracle_bit_for_bit() {
    let tmp = tempfile::tempdir().unwrap();
    for (dim, nbits) in [(8, 1), (24, 2), (96, 4), (20, 8)] {
        let corpus = Corpus::topical(150, dim, 7);
        let path = tmp.path().join(format!("{nbits}"));
        corpus.build(&path, options(nbits)).unwrap();
        let index = Index::open(&path).unwrap();
        for seed in 0..4 {
            let vectors = corpus.query(5 + 9 * seed as usize, seed);
            let query = Query::new(&vectors, dim).unwrap();
            let results = index.search(&query, &exact(20)).unwrap();
            assert_eq!(
                found(&results),
                oracle(&index, &vectors, 20),
                "{dim} x {nbits} bits"
            );
            assert!(results.stats.exact);
        }
    }
}

#[test]
fn every_path_gives_the_exact_score_and_order() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(1200, 32, 3);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let mut same = 0;
    for seed in 0..20 {
        let vectors = corpus.query(16, 100 + seed);
        let query = Query::new(&vectors, 32).unwrap();
        let all = oracle(&index, &vectors, usize::MAX);
        for probes in [1, 8, 1 << 20] {
            let results = index
                .search(
                    &query,
                    &SearchOptions {
                        probes,
                        candidates: Some(100),
                        ..Default::default()
                    },
                )
                .unwrap();
            assert!(
                !results.stats.exact,
                "the corpus is too large to scan by default"
            );
            let hits = found(&results);
            assert_eq!(hits.len(), 10);
            for hit in &hits {
                assert!(all.contains(hit), "{hit:?} has another score in the oracle");
            }
            let order = |h: &(String, f32)| (std::cmp::Reverse(h.1.to_bits()), h.0.clone());
            assert!(hits.is_sorted_by_key(order), "{hits:?}");
            if probes == 8 {
                same += hits.iter().filter(|h| all[..10].contains(h)).count();
            }
        }
    }
    assert!(same >= 190, "{same} of 200 hits are those of exact search");
}

#[test]
fn a_search_returns_as_many_hits_as_there_are() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(700, 16, 5);
    corpus.build(tmp.path(), options(2)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let with_vectors = corpus.documents.iter().filter(|d| !d.is_empty()).count();
    let query = Query::new(&corpus.query(8, 1), 16).unwrap();
    for k in [0, 1, 10, 300, with_vectors - 1, with_vectors, 700, 10_000] {
        for (probes, candidates) in [(1, Some(1)), (1, None), (8, None)] {
            let options = SearchOptions {
                k,
                probes,
                candidates,
                ..Default::default()
            };
            let hits = index.search(&query, &options).unwrap().hits;
            assert_eq!(hits.len(), k.min(with_vectors), "k {k}, probes {probes}");
            let mut keys: Vec<_> = hits.iter().map(|h| &h.key).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), hits.len(), "no document twice");
        }
    }
}

#[test]
fn equal_scores_are_ordered_by_key() {
    let tmp = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::topical(40, 16, 9);
    for document in &mut corpus.documents {
        *document = unit(vec![1.0; 16]);
    }
    corpus.token_ids = vec![vec![1]; 40];
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&unit(vec![0.5; 16]), 16).unwrap();
    for exact in [false, true] {
        let options = SearchOptions {
            k: 7,
            exact,
            ..Default::default()
        };
        let hits = index.search(&query, &options).unwrap().hits;
        let mut keys: Vec<String> = (0..40).map(key).collect();
        keys.sort();
        assert_eq!(
            hits.iter().map(|h| &h.key).collect::<Vec<_>>(),
            keys[..7].iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_same_query_gives_the_same_hits_from_any_thread() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(900, 32, 11);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(16, 2), 32).unwrap();
    let expected = index
        .search(&query, &SearchOptions::default())
        .unwrap()
        .hits;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let hits = index
                        .search(&query, &SearchOptions::default())
                        .unwrap()
                        .hits;
                    assert_eq!(hits, expected);
                }
            });
        }
    });
}

#[test]
fn a_search_reports_its_work() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(1200, 32, 13);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(16, 2), 32).unwrap();
    let options = SearchOptions {
        candidates: Some(50),
        ..Default::default()
    };
    let stats = index.search(&query, &options).unwrap().stats;
    assert!(stats.centroids_probed > 0 && stats.centroids_probed <= 16 * 4);
    assert!(stats.candidates >= 50 && stats.candidates < 1200);
    assert_eq!(stats.documents_decoded, 50);
    assert!(stats.vectors_decoded >= 50 * 3 && stats.bytes_touched > stats.vectors_decoded * 16);
    assert!(stats.total_time >= stats.exact_time + stats.candidate_time + stats.centroid_time);
}

#[test]
fn explain_adds_up_to_the_score() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(60, 24, 15);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(11, 2), 24).unwrap();
    for hit in index.search(&query, &exact(60)).unwrap().hits {
        let matches = index.explain(&query, hit.doc).unwrap();
        assert_eq!(matches.len(), 11);
        assert!(matches.iter().enumerate().all(|(i, m)| m.query_token == i));
        assert_eq!(matches.iter().fold(0f32, |sum, m| sum + m.score), hit.score);
    }
    let empty = index.find(&key(16)).unwrap().unwrap();
    assert_eq!(index.explain(&query, empty).unwrap(), []);
}

#[test]
fn bad_queries_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    Corpus::topical(20, 8, 1)
        .build(tmp.path(), options(4))
        .unwrap();
    let index = Index::open(tmp.path()).unwrap();
    assert!(matches!(Query::new(&[], 8), Err(Error::EmptyQuery)));
    assert!(matches!(
        Query::new(&[1.0; 9], 8),
        Err(Error::Dimension {
            expected: 8,
            got: 9,
            ..
        })
    ));
    let nan = Query::new(&[0.0, 1.0, f32::NAN, 1.0], 2);
    assert!(matches!(
        nan,
        Err(Error::NonFinite {
            row: 1,
            column: 0,
            ..
        })
    ));
    let other = Query::new(&[1.0; 9], 9).unwrap();
    let error = index.search(&other, &SearchOptions::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Dimension {
                expected: 8,
                got: 9,
                ..
            }
        ),
        "{error}"
    );
}
