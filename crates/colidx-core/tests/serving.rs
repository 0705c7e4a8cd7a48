//! What a server relies on: handles shared by threads, searches with limits, metadata of hits.

mod common;

use colidx_core::*;
use common::*;
use std::time::{Duration, Instant};

const DIM: usize = 8;

fn query(corpus: &Corpus) -> Query {
    Query::new(&corpus.query(4, 2), DIM).unwrap()
}

/// An index that is searched through its centroids, not document by document.
fn large(corpus: &Corpus) -> Index {
    let directory = Directory::memory();
    let options = BuildOptions {
        centroids: Some(64),
        ..Default::default()
    };
    corpus.build_in(&directory, options).unwrap();
    Index::open_in(&directory).unwrap()
}

#[test]
fn handles_are_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Index>();
    shared::<IndexReader>();
    shared::<Query>();
    shared::<SearchOptions>();
    shared::<SearchResults>();
    shared::<CancelToken>();
}

#[test]
fn a_search_stops_when_it_is_cancelled_or_late() {
    let corpus = Corpus::topical(1500, DIM, 1);
    let index = large(&corpus);
    let query = query(&corpus);
    let plain = index.search(&query, &SearchOptions::default()).unwrap();
    assert!(!plain.stats.exact);
    for exact in [false, true] {
        for parallel in [false, true] {
            let options = SearchOptions::default().exact(exact).parallel(parallel);
            let token = CancelToken::new();
            let late = Instant::now() + Duration::from_secs(3600);
            let limited = options.clone().cancel(token.clone()).deadline(late);
            let hits = index.search(&query, &limited).unwrap().hits;
            assert_eq!(hits, index.search(&query, &options).unwrap().hits);
            token.cancel();
            let stopped = index.search(&query, &limited);
            assert!(matches!(stopped, Err(Error::SearchCancelled)));
            let stopped = index.search(&query, &options.deadline(Instant::now()));
            assert!(matches!(stopped, Err(Error::DeadlineExceeded)));
        }
    }
    // A search that was stopped leaves nothing behind for the next.
    let again = index.search(&query, &SearchOptions::default()).unwrap();
    assert_eq!(again.hits, plain.hits);
}

#[test]
fn hits_have_metadata_where_it_is_asked_for() {
    let corpus = Corpus::topical(30, DIM, 1);
    let directory = Directory::memory();
    let mut builder = IndexBuilder::create_in(&directory, BuildOptions::default()).unwrap();
    for document in 0..30 {
        let metadata = if document % 3 == 0 {
            String::new()
        } else {
            format!("{{\"year\": {}}}", 1990 + document)
        };
        let added = NewDocument {
            key: &key(document),
            text: &format!("text of {document}"),
            metadata: &metadata,
            ..Default::default()
        };
        builder.add(&added).unwrap();
    }
    builder.finish(&mut corpus.clone(), &NoProgress).unwrap();
    let index = Index::open_in(&directory).unwrap();
    let query = query(&corpus);
    let without = index.search(&query, &SearchOptions::default()).unwrap();
    assert!(without.hits.iter().all(|hit| hit.metadata.is_none()));
    let options = SearchOptions::default().metadata(true);
    let with = index.search(&query, &options).unwrap();
    assert_eq!(found(&with), found(&without));
    for hit in &with.hits {
        let document = index.document(hit.doc).unwrap();
        assert_eq!(hit.metadata.as_ref(), Some(&document.metadata));
    }
    assert!(with.hits.iter().any(|hit| hit.metadata != Some("".into())));
}

#[test]
fn a_reader_moves_on_while_its_threads_search() {
    let corpus = Corpus::topical(60, DIM, 1);
    let directory = Directory::memory();
    corpus
        .build_in(&directory, BuildOptions::default())
        .unwrap();
    let reader = IndexReader::open_in(&directory).unwrap();
    let before = reader.index();
    assert!(!reader.reload().unwrap());

    let options = WriterOptions::default();
    let mut writer = IndexWriter::open_in(&directory, options).unwrap();
    std::thread::scope(|scope| {
        let searches = || {
            let mut last = 0;
            while last < 6 {
                let index = reader.clone().index();
                assert!(index.generation() >= last);
                last = index.generation();
                let hits = index.search(&query(&corpus), &SearchOptions::default());
                let hits = hits.unwrap().hits;
                assert!(
                    hits.iter()
                        .all(|hit| index.key(hit.doc).unwrap() == hit.key)
                );
            }
        };
        for _ in 0..2 {
            scope.spawn(searches);
        }
        for gone in 0..5 {
            assert!(writer.delete(&key(gone)).unwrap());
            writer.commit(&mut NoVectors, &NoProgress).unwrap();
            assert!(!reader.reload_after(Duration::from_secs(3600)).unwrap());
            assert!(reader.reload_after(Duration::ZERO).unwrap());
            assert!(!reader.reload().unwrap());
        }
    });
    // A handle taken before keeps its state.
    assert_eq!(
        (before.num_documents(), reader.index().num_documents()),
        (60, 55)
    );
}
