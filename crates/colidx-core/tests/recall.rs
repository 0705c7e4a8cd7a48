//! Searches for a share of the exact hits, by what was measured on the index.

mod common;

use colidx_core::*;
use common::*;

const DIM: usize = 32;

fn queries(corpus: &Corpus, seeds: std::ops::Range<u64>) -> Vec<Query> {
    let query = |seed| Query::new(&corpus.query(12, seed), DIM).unwrap();
    seeds.map(query).collect()
}

fn writer(path: &std::path::Path) -> IndexWriter {
    IndexWriter::open(path, WriterOptions::default()).unwrap()
}

struct Stop;

impl Progress for Stop {
    fn phase(&self, _: Phase, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        true
    }
}

/// The share of the exact top `k` that searches with these options find.
fn recall(index: &Index, queries: &[Query], options: &SearchOptions) -> f64 {
    let (mut hits, mut wanted) = (0, 0);
    for query in queries {
        let exact = options.clone().recall(None).exact(true);
        let exact = found(&index.search(query, &exact).unwrap());
        let own = found(&index.search(query, options).unwrap());
        hits += own.iter().filter(|hit| exact.contains(hit)).count();
        wanted += exact.len();
    }
    hits as f64 / wanted as f64
}

#[test]
fn an_index_finds_the_recall_that_is_asked_for_with_no_more_effort_than_it_takes() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(4000, DIM, 11);
    corpus.build(tmp.path(), BuildOptions::default()).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let queries = queries(&corpus, 0..24);
    let table = writer(tmp.path()).tune(&queries, &[100, 10, 10], &NoProgress);
    let table = table.unwrap();
    let ks: Vec<u32> = table.rows.iter().map(|row| row.k).collect();
    assert_eq!((table.documents, table.queries), (4000, 24));
    assert!(
        ks.is_sorted() && ks[0] == 10 && ks[ks.len() - 1] == 100,
        "{ks:?}"
    );
    for k in [10, 100] {
        let rows: Vec<&RecallRow> = table.rows.iter().filter(|row| row.k == k).collect();
        let default = rows.iter().find(|row| row.effort == 1.0).unwrap();
        let options = SearchOptions::default().k(k as usize);
        assert_eq!(recall(&index, &queries, &options), default.recall);
        assert!(rows[0].recall < rows[rows.len() - 1].recall, "{rows:?}");
    }

    let index = Index::open(tmp.path()).unwrap();
    assert_eq!(index.info().unwrap().recall, Some(table.clone()));
    let mut scored = Vec::new();
    for wanted in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999] {
        let options = SearchOptions::default().recall(wanted);
        let reached = recall(&index, &queries, &options);
        assert!(reached >= wanted, "{wanted}: {reached}, {table:?}");
        let stats = index.search(&queries[0], &options).unwrap().stats;
        scored.push(stats.documents_partial);
    }
    assert!(scored.is_sorted() && scored[0] < scored[5], "{scored:?}");

    // What was measured does not change the default.
    let plain = index
        .search(&queries[0], &SearchOptions::default())
        .unwrap();
    assert!(!plain.stats.exact);
    let all = SearchOptions::default().recall(1.0);
    assert!(index.search(&queries[0], &all).unwrap().stats.exact);
}

#[test]
fn a_recall_that_was_not_measured_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let corpus = Corpus::topical(900, DIM, 5);
    corpus.build(tmp.path(), BuildOptions::default()).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    let queries = queries(&corpus, 0..3);
    let reason = |index: &Index, options: &SearchOptions| match index.search(&queries[0], options) {
        Err(Error::UnknownRecall { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let half = SearchOptions::default().recall(0.5);
    assert_eq!(reason(&index, &half), UnknownRecall::NotMeasured);
    for nothing in [0.0, -1.0, 1.1, f64::NAN] {
        let options = SearchOptions::default().recall(nothing);
        let error = index.search(&queries[0], &options).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Option {
                    option: "recall",
                    ..
                }
            ),
            "{error}"
        );
    }
    let mut writer = writer(tmp.path());
    for (queries, ks) in [
        (&queries[..0], &[10][..]),
        (&queries, &[]),
        (&queries, &[0]),
    ] {
        let error = writer.tune(queries, ks, &NoProgress);
        assert!(matches!(error, Err(Error::Option { .. })));
    }
    assert!(matches!(
        writer.tune(&queries, &[10], &Stop),
        Err(Error::Cancelled)
    ));
    assert_eq!(
        Index::open(tmp.path()).unwrap().info().unwrap().recall,
        None
    );
    writer.tune(&queries, &[10, 100], &NoProgress).unwrap();
    let index = Index::open(tmp.path()).unwrap();
    index.search(&queries[0], &half).unwrap();
    let deeper = UnknownRecall::TooManyHits {
        measured: 100,
        k: 101,
    };
    assert_eq!(reason(&index, &half.clone().k(101)), deeper);

    // It stays while documents come and go, until they are half as many; a new codebook ends it.
    for document in 0..500 {
        writer.delete(&key(document)).unwrap();
        if document == 449 {
            writer.commit(&mut NoVectors, &NoProgress).unwrap();
            Index::open(tmp.path())
                .unwrap()
                .search(&queries[0], &half)
                .unwrap();
        }
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let resized = UnknownRecall::Resized {
        measured: 900,
        documents: 400,
    };
    assert_eq!(reason(&Index::open(tmp.path()).unwrap(), &half), resized);
    writer
        .retrain(None, &RetrainOptions::default(), &NoProgress)
        .unwrap();
    let index = Index::open(tmp.path()).unwrap();
    assert_eq!(reason(&index, &half), UnknownRecall::NotMeasured);
}
