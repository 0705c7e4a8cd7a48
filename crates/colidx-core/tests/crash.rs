//! Power cuts at every moment, and faults at every call: the last commit is whole, and the next
//! build works.

mod common;

use colidx_core::storage::Memory;
use colidx_core::storage::fault::{Event, Fault, Injector};
use colidx_core::*;
use common::crash::{Contents, CrashTest, Step};
use common::*;
use std::io::ErrorKind;
use std::sync::Arc;

fn first() -> Corpus {
    Corpus::topical(60, 8, 1)
}

fn second() -> Corpus {
    Corpus::topical(45, 8, 2)
}

fn force() -> BuildOptions {
    BuildOptions::default().force(true)
}

/// Builds, each with force over the one before.
fn builds(corpora: &[Corpus]) -> CrashTest {
    let mut test = CrashTest::new();
    for corpus in corpora {
        test.commit(|directory| drop(corpus.build_in(directory, force()).unwrap()));
    }
    test
}

#[test]
fn a_crash_at_any_moment_leaves_the_last_commit_or_the_one_before() {
    let test = builds(&[first(), second(), first()]);
    let corpus = Corpus::topical(5, 8, 3);
    let recover = |directory: &Directory| {
        let before = Contents::of(directory).unwrap();
        let report = corpus.build_in(directory, force()).unwrap();
        let after = Contents::of(directory).unwrap().unwrap();
        assert_eq!(after.documents.len() as u64, report.added);
        assert_eq!(after.generation, before.map_or(1, |b| b.generation + 1));
    };
    let counts = test.check(&test.record(), times(20), recover).unwrap();
    println!(
        "{} crashes, {} left the last commit, {} the next",
        counts.crashes, counts.last, counts.next
    );
    assert!(counts.last > 1000 && counts.next > 10, "{counts:?}");
}

/// The same records as they would be of an engine or a disk that breaks one of the rules.
#[test]
fn the_crash_test_finds_every_rule_broken() {
    let test = builds(&[first(), second()]);
    let breaks = |what: &str, rule: &dyn Fn(Step) -> Vec<Step>| {
        let record: Vec<Step> = test.record().into_iter().flat_map(rule).collect();
        let found = test.check(&record, 4, |_| ()).err();
        println!(
            "{what}: {}",
            found.unwrap_or_else(|| panic!("{what} goes unnoticed"))
        );
    };
    breaks("no file is synced", &|step| match step {
        Step::Disk(Event::Sync { .. }) => vec![],
        other => vec![other],
    });
    breaks("the directory is not synced", &|step| match step {
        Step::Disk(Event::SyncDirectory) => vec![],
        other => vec![other],
    });
    breaks("replacing removes first", &|step| match step {
        Step::Disk(Event::Rename { from, to }) => vec![
            Step::Disk(Event::Remove { name: to.clone() }),
            Step::Disk(Event::Rename { from, to }),
        ],
        other => vec![other],
    });
    breaks("folders above are not synced", &|step| match step {
        Step::Disk(Event::SyncFolder { .. }) => vec![],
        other => vec![other],
    });
    // One sync at a time, wherever it stands, but of files that a build keeps for itself.
    let record = test.record();
    let is_own = |name: &str| name.ends_with(".spool") || name.starts_with("build.journal");
    let own_file = |file: usize| {
        let made = |step: &Step| match step {
            Step::Disk(Event::Create { name, file: made }) => *made == file && is_own(name),
            _ => false,
        };
        record.iter().any(made)
    };
    // The directory is synced on both sides of a change of such a name.
    let own_name = |at: Option<usize>| {
        let step = at.and_then(|at| record.get(at));
        match step {
            Some(Step::Disk(Event::Rename { to: name, .. } | Event::Remove { name })) => {
                is_own(name)
            }
            _ => false,
        }
    };
    let syncs = |at: usize| match &record[at] {
        Step::Disk(Event::Sync { file }) => !own_file(*file),
        // A folder that is there already is synced again, for one whose maker was killed.
        Step::Disk(Event::SyncFolder { .. }) => {
            matches!(record[at - 1], Step::Disk(Event::MakeFolder { .. }))
        }
        Step::Disk(Event::SyncDirectory) => !own_name(at.checked_sub(1)) && !own_name(Some(at + 1)),
        _ => false,
    };
    let mut needed = 0;
    let all = (0..record.len()).filter(|&at| syncs(at));
    for at in all.clone() {
        let mut record = record.clone();
        record.remove(at);
        needed += usize::from(test.check(&record, 4, |_| ()).is_err());
    }
    assert_eq!(
        needed,
        all.count(),
        "syncs without which a crash loses something"
    );
}

/// Builds `second` over an index of `first` with a fault at each call in turn.
#[test]
fn a_fault_at_any_call_is_an_error_and_the_old_index_stays() {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    first().build_in(&directory, force()).unwrap();
    let old_files = memory.files();
    let old = Contents::of(&directory).unwrap();
    second().build_in(&directory, force()).unwrap();
    let new_files = memory.files();
    let new = Contents::of(&directory).unwrap();

    let faults = [
        Fault::Error(ErrorKind::StorageFull),
        Fault::Error(ErrorKind::Other),
        Fault::Full,
        Fault::ShortWrite,
    ];
    for fault in faults {
        let (mut failed, mut survived) = (0, 0);
        for call in 0.. {
            let injector = Injector::over(&old_files);
            let directory = Directory::over(Arc::new(injector.clone()));
            injector.set_fault(Some((call, fault)));
            let result = second().build_in(&directory, force());
            let reached = injector.calls() > call;
            injector.set_fault(None);
            let found = Contents::of(&directory).unwrap();
            match result {
                Ok(_) => {
                    survived += usize::from(reached);
                    let files = injector.memory().files();
                    assert!(are_in(&new_files, &files), "{fault:?} at {call}");
                }
                Err(Error::Io { .. }) => {
                    failed += 1;
                    assert!(found == old || found == new, "{fault:?} at {call}");
                    second().build_in(&directory, force()).unwrap();
                    let again = Contents::of(&directory).unwrap().unwrap();
                    assert!(Some(again.documents) == new.clone().map(|n| n.documents));
                }
                Err(other) => panic!("{fault:?} at {call}: {other}"),
            }
            if !reached {
                break;
            }
        }
        println!("{fault:?}: {failed} calls failed the build, {survived} did not");
        assert_eq!(failed > 0, fault != Fault::ShortWrite, "{fault:?}");
    }
}
