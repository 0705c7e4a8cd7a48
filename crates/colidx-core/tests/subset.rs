//! Searches among some of the documents.

mod common;

use colidx_core::*;
use common::*;

const DIM: usize = 24;

/// The oracle's ranking, of documents of a set alone.
fn oracle_within(index: &Index, query: &[f32], set: &DocumentSet, k: usize) -> Vec<(String, f32)> {
    let mut all = oracle(index, query, usize::MAX);
    all.retain(|(key, _)| set.contains(index.find(key).unwrap().unwrap()));
    all.truncate(k);
    all
}

#[test]
fn a_search_finds_as_many_of_a_set_as_are_wanted() {
    let directory = Directory::memory();
    let corpus = Corpus::topical(1500, DIM, 31);
    corpus
        .build_in(&directory, BuildOptions::default())
        .unwrap();
    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    let all = Index::open_in(&directory).unwrap();
    for doc in all.doc_ids().step_by(7) {
        writer.delete(all.key(doc).unwrap()).unwrap();
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let index = Index::open_in(&directory).unwrap();

    let mut random = Random(5);
    let (mut same, mut wanted) = (0, 0);
    for one_in in [1, 2, 10, 100, 1000] {
        for seed in 0..6 {
            let some = index.doc_ids().filter(|_| random.below(one_in) == 0);
            let set = index.document_set(some).unwrap();
            let vectors = corpus.query(9, seed);
            let query = Query::new(&vectors, DIM).unwrap();
            for k in [1, 10, 60] {
                let expected = oracle_within(&index, &vectors, &set, k);
                let options = SearchOptions::default().k(k).within(set.clone());
                let exact = index.search(&query, &options.clone().exact(true)).unwrap();
                assert_eq!(found(&exact), expected);
                let hits = found(&index.search(&query, &options).unwrap());
                assert_eq!(hits.len(), expected.len(), "1 in {one_in}, k {k}");
                assert!(
                    hits.iter()
                        .all(|(key, _)| { set.contains(index.find(key).unwrap().unwrap()) })
                );
                same += hits.iter().filter(|hit| expected.contains(hit)).count();
                wanted += expected.len();
            }
        }
    }
    assert!(
        same * 100 >= wanted * 95,
        "{same} of {wanted} are those of exact search"
    );
}

#[test]
fn sets_combine_and_belong_to_one_state() {
    let directory = Directory::memory();
    let corpus = Corpus::topical(200, DIM, 32);
    corpus
        .build_in(&directory, BuildOptions::default())
        .unwrap();
    let index = Index::open_in(&directory).unwrap();
    let docs: Vec<DocId> = index.doc_ids().collect();
    let every = |n: usize| index.document_set(docs.iter().copied().step_by(n)).unwrap();
    let (twos, threes) = (every(2), every(3));
    let both = |n: usize| n.is_multiple_of(2) && n.is_multiple_of(3);
    let expect = |set: DocumentSet, member: &dyn Fn(usize) -> bool| {
        let expected = (0..docs.len()).filter(|&n| member(n)).map(|n| docs[n]);
        assert!(set.iter().eq(expected));
        assert_eq!(set.len(), set.iter().count() as u64);
    };
    expect(twos.and(&threes).unwrap(), &both);
    expect(twos.or(&threes).unwrap(), &|n| {
        n.is_multiple_of(2) || n.is_multiple_of(3)
    });
    expect(twos.and_not(&threes).unwrap(), &|n| {
        n.is_multiple_of(2) && !n.is_multiple_of(3)
    });
    assert!(twos.and_not(&twos).unwrap().is_empty());

    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    writer.delete(index.key(docs[0]).unwrap()).unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let newer = index.reload().unwrap().unwrap();
    let query = Query::new(&corpus.query(4, 1), DIM).unwrap();
    let stale = newer.search(&query, &SearchOptions::default().within(twos.clone()));
    assert!(matches!(stale, Err(Error::ForeignDocId)));
    assert!(matches!(
        newer.document_set([docs[1]]),
        Err(Error::ForeignDocId)
    ));
    let fresh = newer.document_set(newer.doc_ids()).unwrap();
    assert!(matches!(fresh.and(&twos), Err(Error::ForeignDocId)));
    assert!(!fresh.contains(docs[1]));
}
