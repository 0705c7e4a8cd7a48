//! The promises under "Search" in the design, each with a test.

mod common;

use colidx_core::*;
use common::*;

fn options(nbits: u32) -> BuildOptions {
    BuildOptions::default().nbits(nbits)
}

fn exact(k: usize) -> SearchOptions {
    SearchOptions::default().k(k).exact(true)
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
            for finalists in [10, 60, 100] {
                let options = SearchOptions::default()
                    .n_probe(probes)
                    .candidates(Some(100))
                    .rerank(Some(finalists));
                let results = index.search(&query, &options).unwrap();
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
                if (probes, finalists) == (8, 60) {
                    same += hits.iter().filter(|h| all[..10].contains(h)).count();
                }
            }
        }
    }
    assert!(same >= 180, "{same} of 200 hits are those of exact search");
}

#[test]
fn screening_never_changes_a_hit() {
    // Many documents whose scores differ by less than 16 bits resolve, and some that are equal.
    let tmp = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::topical(300, 24, 21);
    let source = corpus.documents[5].clone();
    let mut random = Random(4);
    for (document, vectors) in corpus.documents.iter_mut().enumerate() {
        if document % 3 == 0 {
            let noisy = source.iter().map(|v| v + 1e-4 * random.normal());
            *vectors = noisy.collect();
            vectors
                .chunks_mut(24)
                .for_each(|v| v.copy_from_slice(&unit(v.to_vec())));
        }
    }
    let ids = corpus.token_ids[5].clone();
    for (document, own) in corpus.token_ids.iter_mut().enumerate() {
        if document % 3 == 0 {
            own.clone_from(&ids);
        }
    }
    for nbits in [1, 2, 4, 8] {
        let path = tmp.path().join(nbits.to_string());
        corpus.build(&path, options(nbits)).unwrap();
        let index = Index::open(&path).unwrap();
        for seed in 0..6 {
            let vectors = corpus.query(7, seed);
            let query = Query::new(&vectors, 24).unwrap();
            for k in [1, 9, 90] {
                let results = index.search(&query, &exact(k)).unwrap();
                assert_eq!(
                    found(&results),
                    oracle(&index, &vectors, k),
                    "{nbits} bits, k {k}"
                );
                let SearchStats {
                    documents_screened,
                    documents_scored,
                    ..
                } = results.stats;
                assert!(documents_screened > documents_scored && documents_scored >= k as u64);
            }
        }
    }
}

#[test]
fn vectors_of_any_length_are_ranked_exactly() {
    let tmp = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::topical(700, 16, 33);
    let mut random = Random(8);
    for vectors in &mut corpus.documents {
        let factor = 0.2 + random.below(40) as f32;
        vectors.iter_mut().for_each(|v| *v *= factor);
    }
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    for seed in 0..5 {
        let vectors: Vec<f32> = corpus.query(9, seed).iter().map(|v| v * 3.0).collect();
        let query = Query::new(&vectors, 16).unwrap();
        let results = index.search(&query, &exact(10)).unwrap();
        assert_eq!(found(&results), oracle(&index, &vectors, 10));
        let all = oracle(&index, &vectors, usize::MAX);
        let results = index.search(&query, &SearchOptions::default()).unwrap();
        assert!(found(&results).iter().all(|hit| all.contains(hit)));
    }
}

#[test]
fn threads_and_batches_change_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(1500, 32, 17);
    corpus.build(tmp.path(), options(2)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let queries: Vec<Query> = (0..12)
        .map(|seed| Query::new(&corpus.query(3 + 5 * seed as usize, seed), 32).unwrap())
        .collect();
    // With many more finalists than hits, the first round already leaves some out, which must not
    // change the second.
    let few = (3, Some(80));
    for (exact, (k, finalists)) in [(false, (25, None)), (false, few), (true, (25, None))] {
        let alone = SearchOptions::default().exact(exact).k(k).rerank(finalists);
        let expected: Vec<_> = queries
            .iter()
            .map(|q| index.search(q, &alone).unwrap().hits)
            .collect();
        for threads in [1, 2, 8] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let many = index.search_many(&queries, &alone).unwrap();
                assert!(many.iter().map(|r| &r.hits).eq(&expected));
                let together = alone.clone().parallel(true);
                for (query, expected) in queries.iter().zip(&expected) {
                    let results = index.search(query, &together).unwrap();
                    assert_eq!(&results.hits, expected, "{threads} threads");
                    let one = index.search(query, &alone).unwrap().stats;
                    assert_eq!(results.stats.documents_screened, one.documents_screened);
                }
            });
        }
    }
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
            let options = SearchOptions::default()
                .k(k)
                .n_probe(probes)
                .candidates(candidates);
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
        let options = SearchOptions::default().k(7).exact(exact);
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
fn long_documents_are_searched_as_the_many_that_would_have_their_vectors() {
    let tmp = tempfile::tempdir().unwrap();
    let many = Corpus::topical(18_000, 8, 5);
    let long = Corpus {
        dim: 8,
        documents: many.documents.chunks(60).map(|d| d.concat()).collect(),
        token_ids: many.token_ids.chunks(60).map(|ids| ids.concat()).collect(),
    };
    let short = Corpus::topical(long.documents.len(), 8, 5);
    let scored = [("long", &long), ("short", &short)].map(|(name, corpus)| {
        let path = tmp.path().join(name);
        corpus.build(&path, options(4).centroids(256)).unwrap();
        let query = Query::new(&corpus.query(16, 2), 8).unwrap();
        let index = Index::open(&path).unwrap();
        let stats = index.search(&query, &SearchOptions::default()).unwrap();
        assert!(!stats.stats.exact, "{name}");
        stats.stats.documents_partial
    });
    assert!(scored[0] > scored[1], "{scored:?}");
}

#[test]
fn a_search_reports_its_work() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(1200, 32, 13);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(16, 2), 32).unwrap();
    let options = SearchOptions::default()
        .candidates(Some(50))
        .rerank(Some(20));
    let stats = index.search(&query, &options).unwrap().stats;
    // Lists that tokens have in common are read once.
    assert!((32..16 * 32).contains(&stats.postings_read));
    assert!(stats.centroids_scored > 0);
    assert!(stats.candidates >= 50 && stats.candidates <= 1200);
    assert_eq!(
        (stats.documents_partial, stats.documents_screened),
        (50, 20)
    );
    assert!((10..20).contains(&stats.documents_scored));
    assert!(stats.vectors_decoded >= 20 * 3 && stats.bytes_touched > stats.vectors_decoded * 16);
    assert!(
        stats.total_time
            >= stats.exact_time + stats.partial_time + stats.candidate_time + stats.centroid_time
    );

    let options = SearchOptions::default()
        .candidates(Some(50))
        .rerank(Some(50));
    let stats = index.search(&query, &options).unwrap().stats;
    // There is nothing left to choose from.
    assert_eq!((stats.documents_partial, stats.documents_screened), (0, 50));
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
        Err(Error::PartialVector { values: 9, dim: 8 })
    ));
    let wide = Query::new(&[1.0; MAX_DIM + 1], MAX_DIM + 1);
    assert!(matches!(wide, Err(Error::Option { .. })), "{wide:?}");
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
    let refused = |error: Error| {
        let of_dimension = Error::QueryDimension {
            expected: 8,
            got: 9,
        };
        assert_eq!(error.to_string(), of_dimension.to_string());
    };
    refused(index.search(&other, &SearchOptions::default()).unwrap_err());
    let doc = index.doc_ids().next().unwrap();
    refused(index.explain(&other, doc).unwrap_err());
}

#[test]
fn no_option_is_too_large() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(300, 8, 1);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(4, 2), 8).unwrap();
    let exact = SearchOptions::default().k(300).exact(true);
    let all = index.search(&query, &exact).unwrap().hits;
    for k in [usize::MAX, usize::MAX / 8, 5] {
        let largest = SearchOptions::default()
            .k(k)
            .n_probe(usize::MAX)
            .candidates(Some(usize::MAX))
            .rerank(Some(usize::MAX));
        let chosen = SearchOptions::default().k(k);
        for options in [largest, chosen] {
            let hits = index.search(&query, &options).unwrap().hits;
            assert_eq!(hits, all[..all.len().min(k)]);
        }
    }
}

/// A corpus of vectors of other lengths, and indexes of unit length and of these.
fn of_any_length() -> [(Corpus, Index); 2] {
    let unit = Corpus::topical(150, 8, 1);
    let mut other = unit.clone();
    let values = other.documents.iter_mut().flatten();
    values
        .zip(1..)
        .for_each(|(x, at)| *x *= 1e3 * (at % 7) as f32);
    [unit, other].map(|corpus| {
        let directory = Directory::memory();
        let options = options(2).centroids(100);
        corpus.build_in(&directory, options).unwrap();
        let index = Index::open_in(&directory).unwrap();
        (corpus, index)
    })
}

#[test]
fn finite_queries_have_finite_scores_or_are_refused() {
    let corpora = of_any_length();
    let mut random = Random(5);
    let (mut refusals, mut searches) = (0, 0);
    for exponent in -45..39 {
        for (corpus, index) in &corpora {
            let factor = 10f64.powi(exponent) as f32;
            let mut query = corpus.query(4, exponent.unsigned_abs().into());
            match random.below(3) {
                0 => query.iter_mut().for_each(|x| *x *= factor),
                1 => query[random.below(32)] = factor,
                _ => query.iter_mut().for_each(|x| *x = factor.copysign(*x)),
            }
            let made = Query::new(&query, 8).unwrap();
            let doc = index.doc_ids().next().unwrap();
            for exact in [true, false] {
                let options = SearchOptions::default()
                    .k(20)
                    .exact(exact)
                    .candidates(Some(60))
                    .rerank(Some(40));
                let hits = match index.search(&made, &options) {
                    Ok(found) => {
                        assert_eq!(found.stats.exact, exact);
                        found.hits
                    }
                    Err(error) => {
                        assert!(matches!(error, Error::QueryTooLong { .. }), "{error}");
                        assert!(index.explain(&made, doc).is_err());
                        refusals += 1;
                        continue;
                    }
                };
                searches += 1;
                assert_eq!(hits.len(), 20);
                assert!(hits.iter().all(|hit| hit.score.is_finite()));
                let matches = index.explain(&made, hits[0].doc).unwrap();
                assert!(matches.iter().all(|found| found.score.is_finite()));
                if exact {
                    let hits: Vec<_> = hits.into_iter().map(|h| (h.key, h.score)).collect();
                    assert_eq!(hits, oracle(index, &query, 20));
                }
            }
        }
    }
    assert!(refusals > 0 && searches > 250, "{refusals} and {searches}");
}

#[test]
fn a_query_that_is_too_long_is_told_which_token_and_how_far() {
    let [(corpus, index), _] = of_any_length();
    let mut query = corpus.query(4, 1);
    // The greatest there is: four dimensions of it would be twice as long.
    query[2 * 8..2 * 8 + 4].fill(f32::MAX);
    let made = Query::new(&query, 8).unwrap();
    let error = index.search(&made, &SearchOptions::default()).unwrap_err();
    let Error::QueryTooLong { token, got, most } = error else {
        panic!("{error}");
    };
    assert_eq!(token, 2);
    let scaled = query
        .iter()
        .map(|&x| (f64::from(x) * most / got * 0.999) as f32);
    let made = Query::new(&scaled.collect::<Vec<f32>>(), 8).unwrap();
    index.search(&made, &SearchOptions::default()).unwrap();
}

#[test]
fn a_document_of_another_state_is_refused() {
    let corpus = Corpus::topical(150, 8, 1);
    let directory = Directory::memory();
    corpus.build_in(&directory, options(2)).unwrap();
    let index = Index::open_in(&directory).unwrap();
    let query = Query::new(&corpus.query(4, 2), 8).unwrap();
    let doc = index.find(&key(149)).unwrap().unwrap();

    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    for gone in 0..100 {
        writer.delete(&key(gone)).unwrap();
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    writer.compact(&NoProgress).unwrap();
    let newer = index.reload().unwrap().unwrap();
    let elsewhere = Directory::memory();
    Corpus::topical(150, 8, 2)
        .build_in(&elsewhere, options(2))
        .unwrap();
    let other = Index::open_in(&elsewhere).unwrap();
    for stranger in [&newer, &other] {
        let foreign = |outcome: Result<()>| {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::ForeignDocId), "{error}");
        };
        foreign(stranger.document(doc).map(drop));
        foreign(stranger.key(doc).map(drop));
        foreign(stranger.token_vectors(doc).map(drop));
        foreign(stranger.explain(&query, doc).map(drop));
        let back = stranger.find(&key(149)).unwrap().unwrap();
        assert!(matches!(index.document(back), Err(Error::ForeignDocId)));
    }
    // The same state, reopened.
    let again = Index::open_in(&elsewhere).unwrap();
    let doc = other.find(&key(149)).unwrap().unwrap();
    assert_eq!(again.key(doc).unwrap(), key(149));
    assert_eq!(
        index.key(index.find(&key(3)).unwrap().unwrap()).unwrap(),
        key(3)
    );
}

#[test]
fn maxsim_of_vectors_in_no_index_is_the_score_of_a_search() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(60, 24, 9);
    corpus.build(tmp.path(), options(4)).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let query = Query::new(&corpus.query(11, 2), 24).unwrap();
    let hits = index.search(&query, &exact(60)).unwrap().hits;
    assert!(!hits.is_empty());
    for hit in hits {
        let vectors = index.token_vectors(hit.doc).unwrap();
        assert_eq!(query.maxsim(&vectors).unwrap(), Some(hit.score));
    }
    assert_eq!(query.maxsim(&[]).unwrap(), None);
    assert!(matches!(
        query.maxsim(&[1.0]),
        Err(Error::PartialVector { .. })
    ));
    let infinite = [f32::INFINITY; 24];
    assert!(matches!(
        query.maxsim(&infinite),
        Err(Error::NonFinite { .. })
    ));
}
