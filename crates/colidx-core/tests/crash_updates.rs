//! Power cuts at every moment of adds, updates, deletes, merges and retraining, and faults at every
//! call of them.

mod common;

use colidx_core::storage::Memory;
use colidx_core::storage::fault::{Event, Fault, Injector};
use colidx_core::*;
use common::crash::{Contents, CrashTest, Step};
use common::forge::without_features;
use common::live::*;
use common::{Random, files_of, key};
use std::io::ErrorKind;
use std::sync::Arc;

fn base() -> Map {
    let mut random = Random(5);
    (0..30).map(|d| (key(d), text(&mut random))).collect()
}

fn built(directory: &Directory) {
    let options = BuildOptions::default().centroids(8).force(true);
    build(directory, &base(), options);
}

fn open_writer(directory: &Directory) -> Result<IndexWriter> {
    let options = WriterOptions::default().merge(false);
    IndexWriter::open_in(directory, options)
}

/// One commit of each kind.
const CHANGES: [fn(&mut IndexWriter) -> Result<CommitReport>; 7] = [
    |w| {
        w.add(document("new", "some new words"))?;
        w.commit(&mut Words, &NoProgress)
    },
    |w| {
        w.delete(&key(3))?;
        w.delete(&key(29))?;
        w.commit(&mut NoVectors, &NoProgress)
    },
    |w| {
        w.update(document(&key(7), "other words"))?;
        w.update(document(&key(8), "some words"))?;
        w.delete(&key(8))?;
        w.add(document("newer", "words"))?;
        w.commit(&mut Words, &NoProgress)
    },
    |w| w.compact(&NoProgress),
    |w| {
        (10..20).try_for_each(|d| w.delete(&key(d)).map(drop))?;
        w.commit(&mut NoVectors, &NoProgress)
    },
    // More than a quarter of the segment is deleted.
    |w| w.merge(&NoProgress),
    |w| w.retrain(None, &RetrainOptions::default(), &NoProgress),
];

fn recorded() -> CrashTest {
    let mut test = CrashTest::new();
    test.commit(built);
    for change in CHANGES {
        test.commit(|directory| drop(change(&mut open_writer(directory).unwrap()).unwrap()));
    }
    test
}

#[test]
fn a_crash_at_any_moment_leaves_the_last_commit_or_the_one_before() {
    let test = recorded();
    let recover = |directory: &Directory| {
        let Some(before) = Contents::of(directory).unwrap() else {
            return;
        };
        let mut writer = open_writer(directory).unwrap();
        writer.update(document("after", "words again")).unwrap();
        writer.commit(&mut Words, &NoProgress).unwrap();
        let after = Contents::of(directory).unwrap().unwrap();
        assert_eq!(after.generation, before.generation + 1);
        assert_eq!(after.documents.len(), before.documents.len() + 1);
    };
    let counts = test.check(&test.record(), 12, recover).unwrap();
    println!("{counts:?}");
    assert!(counts.last > 2000 && counts.next > 30, "{counts:?}");
}

/// An index from before there were columns and words gets them in two commits, whole or not at all.
#[test]
fn a_crash_while_an_index_gets_columns_and_words_leaves_it_as_it_was_or_with_all() {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    built(&directory);
    CHANGES[0](&mut open_writer(&directory).unwrap()).unwrap();
    CHANGES[1](&mut open_writer(&directory).unwrap()).unwrap();
    let mut test = CrashTest::over(&without_features(&files_of(&memory)));
    test.commit(|directory| {
        let before = Contents::of(directory).unwrap().unwrap();
        assert_eq!((before.fields, before.analyzer), (None, None));
        let mut writer = open_writer(directory).unwrap();
        writer.compact(&NoProgress).unwrap();
    });
    test.commit(|directory| {
        let before = Contents::of(directory).unwrap().unwrap();
        assert!(before.fields.is_some_and(|fields| !fields.is_empty()));
        assert_eq!(before.analyzer, None);
        let mut writer = open_writer(directory).unwrap();
        let english = Analyzer::by_name("english").unwrap();
        writer.set_analyzer(Some(english), &NoProgress).unwrap();
    });
    let recover = |directory: &Directory| {
        let before = Contents::of(directory).unwrap().unwrap();
        let mut writer = open_writer(directory).unwrap();
        writer.update(document("after", "words again")).unwrap();
        writer.commit(&mut Words, &NoProgress).unwrap();
        let after = Contents::of(directory).unwrap().unwrap();
        assert_eq!(after.documents.len(), before.documents.len() + 1);
        assert_eq!(after.fields.is_some(), before.fields.is_some());
        assert_eq!(after.analyzer, before.analyzer);
    };
    let counts = test.check(&test.record(), 12, recover).unwrap();
    println!("{counts:?}");
    assert!(counts.last > 500 && counts.next > 8, "{counts:?}");
}

/// What is written and not synced, or removed before the commit, is missed by the test.
#[test]
fn the_crash_test_finds_rules_broken_by_changes() {
    let test = recorded();
    let breaks = |what: &str, rule: &dyn Fn(&Step) -> bool| {
        let record: Vec<Step> = test.record().into_iter().filter(rule).collect();
        let found = test.check(&record, 4, |_| ()).err();
        println!(
            "{what}: {}",
            found.unwrap_or_else(|| panic!("{what} goes unnoticed"))
        );
    };
    breaks("no file is synced", &|step| {
        !matches!(step, Step::Disk(Event::Sync { .. }))
    });
    breaks("the directory is not synced", &|step| {
        !matches!(step, Step::Disk(Event::SyncDirectory))
    });
}

#[test]
fn a_fault_at_any_call_is_an_error_and_the_commit_before_stays() {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    built(&directory);
    for (number, change) in CHANGES.into_iter().enumerate() {
        let (old_files, old) = (memory.files(), Contents::of(&directory).unwrap());
        change(&mut open_writer(&directory).unwrap()).unwrap();
        let new = Contents::of(&directory).unwrap();
        for fault in [
            Fault::Error(ErrorKind::Other),
            Fault::Full,
            Fault::ShortWrite,
        ] {
            for call in 0.. {
                let injector = Injector::over(&old_files);
                let faulty = Directory::over(Arc::new(injector.clone()));
                injector.set_fault(Some((call, fault)));
                let result = open_writer(&faulty).and_then(|mut w| change(&mut w));
                let reached = injector.calls() > call;
                injector.set_fault(None);
                let place = format!("change {number}, {fault:?} at call {call}");
                let found = Contents::of(&faulty).unwrap();
                match result {
                    Ok(_) => assert!(found == new, "{place}"),
                    Err(Error::Io { .. }) => assert!(found == old || found == new, "{place}"),
                    Err(other) => panic!("{place}: {other}"),
                }
                let mut again = open_writer(&faulty).unwrap();
                again.update(document("after", "words again")).unwrap();
                again.commit(&mut Words, &NoProgress).unwrap();
                let after = Contents::of(&faulty).unwrap().unwrap();
                assert_eq!(after.generation, found.unwrap().generation + 1, "{place}");
                if !reached {
                    break;
                }
            }
        }
    }
}

/// A writer continues after a failed commit, from the committed state.
#[test]
fn a_writer_goes_on_after_a_fault() {
    let memory = Memory::default();
    built(&Directory::over(Arc::new(memory.clone())));
    for call in 0.. {
        let injector = Injector::over(&memory.files());
        let directory = Directory::over(Arc::new(injector.clone()));
        let mut writer = open_writer(&directory).unwrap();
        let calls = injector.calls();
        injector.set_fault(Some((calls + call, Fault::Error(ErrorKind::Other))));
        let first = CHANGES[0](&mut writer);
        let reached = injector.calls() > calls + call;
        injector.set_fault(None);
        let there = Index::open_in(&directory)
            .unwrap()
            .find("new")
            .unwrap()
            .is_some();
        assert!(first.is_err() || there);
        // What was staged and not committed is given up; after a document that could not be staged
        // the writer is, too.
        if let Err(Error::Poisoned) = writer.delete("nothing") {
            assert!(matches!(first, Err(Error::Io { .. })) && !there);
            let commit = writer.commit(&mut Words, &NoProgress);
            assert!(matches!(commit, Err(Error::Poisoned)));
            drop(writer);
            writer = open_writer(&directory).unwrap();
        }
        if !there {
            writer.add(document("new", "some new words")).unwrap();
            writer.commit(&mut Words, &NoProgress).unwrap();
        }
        CHANGES[1](&mut writer).unwrap();
        let index = Index::open_in(&directory).unwrap();
        index.verify().unwrap();
        if !reached {
            assert!(first.is_ok());
            break;
        }
    }
}
