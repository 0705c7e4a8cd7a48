//! Documents that come with their vectors, and what one writer does from first commit to last.

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

/// Adds documents of a corpus to a writer: those that `supplied` picks with their vectors.
fn add(writer: &mut IndexWriter, corpus: &Corpus, supplied: impl Fn(usize) -> bool) {
    for (document, vectors) in corpus.documents.iter().enumerate() {
        let (key, text) = (key(document), format!("text of {document}"));
        let metadata = metadata::of(document as u64);
        let new = NewDocument::new(&key).text(&text).metadata(metadata);
        if supplied(document) {
            let token_ids = &corpus.token_ids[document];
            writer.add_vectors(new, vectors, token_ids).unwrap();
        } else {
            writer.add(new).unwrap();
        }
    }
}

/// Whether vectors come from a source or with their documents, the index is the same.
#[test]
fn supplied_vectors_make_the_same_index() {
    let corpus = Corpus::topical(400, 8, 3);
    let expected = built(&corpus, BuildOptions::default());
    let pick: [fn(usize) -> bool; 3] = [|_| true, |d| d % 3 == 0, |d| d < 300];
    for supplied in pick {
        let (files, directory) = memory();
        let options = BuildOptions::default().dim(8);
        let mut writer = IndexWriter::create_in(&directory, options).unwrap();
        add(&mut writer, &corpus, supplied);
        let report = if supplied(1) && supplied(399) {
            writer.commit(&mut NoVectors, &NoProgress)
        } else {
            writer.commit(&mut corpus.clone(), &NoProgress)
        };
        assert_eq!(report.unwrap().added, 400);
        drop(writer);
        assert!(files_of(&files) == expected);
    }
}

#[test]
fn one_writer_creates_updates_and_deletes() {
    let (files, directory) = memory();
    let mut writer = IndexWriter::create_in(&directory, BuildOptions::default().dim(2)).unwrap();
    assert!(writer.index().is_none());
    let refused = writer.merge(&NoProgress).unwrap_err();
    assert!(matches!(refused, Error::NotCommitted), "{refused}");
    writer.add_vectors("a", &[1.0, 0.0], &[]).unwrap();
    writer.add_vectors("b", &[0.0, 1.0], &[]).unwrap();
    writer.add_vectors("c", &[0.6, 0.8], &[]).unwrap();
    assert!(writer.update_vectors("b", &[0.8, 0.6], &[]).unwrap());
    assert!(writer.delete("a").unwrap() && !writer.delete("a").unwrap());
    assert_eq!(writer.num_staged(), 2);
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!((report.generation, report.added, report.vectors), (1, 2, 2));

    let index = writer.index().unwrap();
    index.verify().unwrap();
    let b = index.find("b").unwrap().unwrap();
    let near = |v: &[f32], to: &[f32]| v.iter().zip(to).all(|(a, b)| (a - b).abs() < 0.1);
    assert!(near(&index.token_vectors(b).unwrap(), &[0.8, 0.6]));
    assert!(index.find("a").unwrap().is_none());

    writer.add_vectors("d", &[0.0, 1.0, 1.0, 0.0], &[]).unwrap();
    writer.update_vectors("c", &[1.0, 0.0], &[]).unwrap();
    writer.update_vectors("d", &[0.0, 1.0], &[]).unwrap();
    writer.delete("b").unwrap();
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!((report.added, report.deleted, report.vectors), (2, 2, 2));
    let index = writer.index().unwrap();
    index.verify().unwrap();
    for (key, vector) in [("c", [1.0, 0.0]), ("d", [0.0, 1.0])] {
        let doc = index.find(key).unwrap().unwrap();
        // The codebook is that of two other vectors.
        let stored = index.token_vectors(doc).unwrap();
        let dot = stored[0] * vector[0] + stored[1] * vector[1];
        assert!(stored.len() == 2 && dot > 0.7, "{key}: {stored:?}");
    }
    writer.add_vectors("e", &[1.0, 0.0], &[]).unwrap();
    writer.rollback();
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!((report.added, report.generation), (0, 2));
    drop(writer);
    let spool = |name: &String| name.ends_with(".spool");
    assert!(!files_of(&files).keys().any(spool));
}

#[test]
fn what_cannot_be_stored_is_refused_when_it_is_added() {
    let directory = Directory::memory();
    let mut writer = IndexWriter::create_in(&directory, BuildOptions::default()).unwrap();
    let no_dim = writer.add_vectors("a", &[1.0, 0.0], &[]).unwrap_err();
    assert!(
        matches!(no_dim, Error::Option { option: "dim", .. }),
        "{no_dim}"
    );
    drop(writer);

    let mut writer = IndexWriter::create_in(&directory, BuildOptions::default().dim(2)).unwrap();
    let check = |writer: &mut IndexWriter| {
        let mut refused =
            |vectors: &[f32], ids: &[u32]| writer.add_vectors("bad", vectors, ids).unwrap_err();
        let error = refused(&[1.0, 0.0, 0.5], &[]);
        assert!(
            matches!(
                error,
                Error::DocumentVectors {
                    values: 3,
                    dim: 2,
                    ..
                }
            ),
            "{error}"
        );
        let error = refused(&[1.0, 0.0, f32::NAN, 0.0], &[]);
        assert!(
            matches!(
                error,
                Error::NonFinite {
                    row: 1,
                    column: 0,
                    ..
                }
            ),
            "{error}"
        );
        let error = refused(&[1.0, 3e38], &[]);
        assert!(
            matches!(
                error,
                Error::TooLong {
                    row: 0,
                    column: 1,
                    ..
                }
            ),
            "{error}"
        );
        let error = refused(&[1.0, 0.0], &[1, 2]);
        assert!(
            matches!(
                error,
                Error::TokenIds {
                    expected: 1,
                    got: 2,
                    ..
                }
            ),
            "{error}"
        );
        let error = writer.add_vectors("", &[1.0, 0.0], &[]).unwrap_err();
        assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
    };
    check(&mut writer);
    writer.add_vectors("a", &[1.0, 0.0], &[7]).unwrap();
    // Where one has token ids, all have.
    let error = writer.add_vectors("b", &[1.0, 0.0], &[]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TokenIds {
                expected: 1,
                got: 0,
                ..
            }
        ),
        "{error}"
    );
    writer.add_vectors("empty", &[], &[]).unwrap();
    let error = writer.add_vectors("a", &[1.0, 0.0], &[7]).unwrap_err();
    assert!(matches!(error, Error::DuplicateKey { .. }), "{error}");
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    check(&mut writer);
    let error = writer.add_vectors("c", &[1.0, 1.0], &[7]).unwrap_err();
    assert!(matches!(error, Error::NotUnitLength { .. }), "{error}");
    writer.index().unwrap().verify().unwrap();
    assert_eq!(writer.num_staged(), 0, "refused documents leave no trace");
}

#[test]
fn an_empty_index_takes_vectors_later() {
    let (tmp, options) = (tempfile::tempdir().unwrap(), BuildOptions::default().dim(2));
    let path = tmp.path().join("new.colidx");
    let mut writer = IndexWriter::open_or_create(&path, options.clone()).unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    drop(writer);
    assert_eq!(Index::open(&path).unwrap().dim(), 2);
    let mut writer = IndexWriter::open_or_create(&path, options.clone()).unwrap();
    writer.add_vectors("a", &[1.0, 0.0], &[]).unwrap();
    let report = writer.commit(&mut NoVectors, &NoProgress).unwrap();
    assert_eq!((report.centroids, report.sample_vectors), (1, 1));
    writer.index().unwrap().verify().unwrap();
    let second = IndexWriter::open_or_create(&path, options).err().unwrap();
    assert!(matches!(second, Error::Locked { .. }), "{second}");
}

#[test]
fn a_first_commit_that_failed_ends_the_writer() {
    let directory = Directory::memory();
    let mut writer = IndexWriter::create_in(&directory, BuildOptions::default().dim(2)).unwrap();
    writer.add("without vectors").unwrap();
    let error = writer.commit(&mut NoVectors, &NoProgress).unwrap_err();
    let expected = Error::SourceDimension {
        expected: 2,
        got: 0,
    };
    assert_eq!(error.to_string(), expected.to_string());
    assert!(matches!(writer.add("a"), Err(Error::Poisoned)));
    assert!(matches!(
        writer.commit(&mut NoVectors, &NoProgress),
        Err(Error::Poisoned)
    ));
    assert_eq!(writer.num_staged(), 0);
    // The directory is free for another.
    IndexWriter::create_in(&directory, BuildOptions::default()).unwrap();
}

/// A build whose vectors are partly supplied resumes with the same, and with no others.
#[test]
fn a_build_with_supplied_vectors_resumes() {
    struct StopAtTraining(CancelToken);
    impl Progress for StopAtTraining {
        fn phase(&self, phase: Phase, _: Option<u64>) {
            if phase == Phase::Train {
                self.0.cancel();
            }
        }
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            self.0.is_cancelled()
        }
    }
    let corpus = Corpus::topical(400, 8, 3);
    let (files, directory) = memory();
    let options = || BuildOptions::default().dim(8).resume(true);
    let stop = StopAtTraining(CancelToken::new());
    let filled = |corpus: &Corpus| {
        let mut writer = IndexWriter::create_in(&directory, options()).unwrap();
        add(&mut writer, corpus, |document| document % 2 == 0);
        writer
    };
    let stopped = filled(&corpus).commit(&mut corpus.clone(), &stop);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let mut other = corpus.clone();
    other.documents[2][0] += 0.001;
    let refused = filled(&other).commit(&mut corpus.clone(), &NoProgress);
    assert!(matches!(refused, Err(Error::OtherBuild { .. })));
    let report = filled(&corpus)
        .commit(&mut corpus.clone(), &NoProgress)
        .unwrap();
    assert!(report.resumed > Some(0), "{report:?}");
    assert!(files_of(&files) == built(&corpus, BuildOptions::default()));
}
