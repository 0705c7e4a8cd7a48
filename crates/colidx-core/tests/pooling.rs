//! Token pooling: what is stored, and that an index keeps its pool factor.

mod common;

use colidx_core::storage::Memory;
use colidx_core::*;
use common::*;
use std::sync::Arc;

fn memory() -> (Memory, Directory) {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    (memory, directory)
}

#[test]
fn later_documents_are_pooled_as_those_of_the_first_commit() {
    let corpus = Corpus::topical(300, 8, 3);
    let plain = memory().1;
    let mut writer = IndexWriter::create_in(&plain, BuildOptions::default().dim(8)).unwrap();
    for (document, vectors) in corpus.documents.iter().enumerate() {
        writer.add_vectors(&*key(document), vectors, &[]).unwrap();
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let lens: Vec<u64> = corpus
        .documents
        .iter()
        .map(|v| v.len() as u64 / 8)
        .collect();

    let pooling = Pooling::new(3).protected(2);
    let expected = |lens: &[u64]| -> u64 {
        let stored = |&len: &u64| match len {
            0..=2 => len,
            _ => 2 + ((len - 2) / 3).max(1),
        };
        lens.iter().map(stored).sum()
    };
    let directory = memory().1;
    let options = BuildOptions::default().dim(8).pooling(pooling);
    let mut writer = IndexWriter::create_in(&directory, options).unwrap();
    for (document, vectors) in corpus.documents[..200].iter().enumerate() {
        writer.add_vectors(&*key(document), vectors, &[]).unwrap();
    }
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!(report.vectors, expected(&lens[..200]));
    drop(writer);

    // Another writer, which was not told.
    let options = WriterOptions::default();
    let mut writer = IndexWriter::open_in(&directory, options).unwrap();
    for (document, vectors) in corpus.documents.iter().enumerate().skip(200) {
        writer.add_vectors(&*key(document), vectors, &[]).unwrap();
    }
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!(report.vectors, expected(&lens[200..]));
    writer.merge(&NoProgress).unwrap();
    drop(writer);
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    let info = index.info().unwrap();
    assert_eq!(
        (info.pooling, info.vectors),
        (Some(pooling), expected(&lens))
    );
    assert_eq!(
        Index::open_in(&plain).unwrap().info().unwrap().pooling,
        None
    );
}

#[test]
fn another_factor_than_the_index_has_is_refused() {
    for (pooling, own, others) in [(Some(Pooling::new(3)), 3, [1, 2]), (None, 1, [2, 3])] {
        let directory = memory().1;
        let options = BuildOptions::default().dim(8).pooling(pooling);
        let mut writer = IndexWriter::create_in(&directory, options).unwrap();
        writer.commit(&mut NoVectors, &NoProgress).unwrap();
        drop(writer);
        let open = |factor: u32| {
            let options = WriterOptions::default().pool_factor(factor);
            IndexWriter::open_in(&directory, options)
        };
        drop(open(own).unwrap());
        for other in others {
            let error = open(other).err().unwrap();
            assert!(matches!(error, Error::Option { .. }));
            let text = error.to_string();
            let says = format!("{other} for an index whose vectors are pooled by {own}");
            assert!(text.contains(&says), "{text}");
        }
    }
}

#[test]
fn bad_options_are_refused() {
    let directory = memory().1;
    let options = BuildOptions::default().dim(8).pooling(Pooling::new(1));
    let error = IndexWriter::create_in(&directory, options).err().unwrap();
    assert!(error.to_string().contains("pool factor"), "{error}");
}
