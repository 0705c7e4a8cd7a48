//! A build that is killed, loses power or meets a fault can be resumed.

use crate::common::crash::{Contents, CrashTest};
use crate::common::*;
use crate::*;
use colidx_core::storage::fault::{Fault, Injector};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_killed_build_encodes_no_more_than_its_last_batch_again() {
    let expected = undisturbed();
    let injector = Injector::default();
    build(&Directory::over(Arc::new(injector.clone())), options()).unwrap();
    assert!(injector.memory().files() == expected);
    let mut resumed = 0;
    for call in 0..injector.calls() {
        let injector = Injector::default();
        let directory = Directory::over(Arc::new(injector.clone()));
        injector.set_fault(Some((call, Fault::Stop)));
        let mut source = counted();
        let killed = build_with(&directory, options(), &mut source, &NoProgress);
        // A committed build may be killed while it removes what it no longer needs.
        let committed = killed.is_ok();
        injector.set_fault(None);
        match build_with(&directory, options(), &mut source, &NoProgress) {
            Ok(report) => resumed += u64::from(report.resumed.is_some()),
            Err(Error::AlreadyExists { .. }) => {
                let again = options().force(true);
                Index::open_in(&directory).unwrap().verify().unwrap();
                let report = build(&directory, again).unwrap();
                assert_eq!(report.resumed, None, "call {call}");
                continue;
            }
            Err(other) => panic!("call {call}: {other}"),
        }
        assert!(!committed);
        let encoded = source.encoded;
        assert!(
            (DOCUMENTS as u64..=DOCUMENTS as u64 + BATCH).contains(&encoded),
            "{encoded} documents encoded after call {call}"
        );
        assert!(injector.memory().files() == expected, "call {call}");
    }
    assert!(resumed > injector.calls() as u64 / 2, "{resumed}");
}

#[test]
fn power_cut_at_any_moment_leaves_a_build_that_can_go_on() {
    let mut test = CrashTest::new();
    test.commit(|directory| {
        for stop in [1, 2, 2] {
            stop_at(stop, directory, options());
        }
        let report = build(directory, options()).unwrap();
        assert!(report.resumed.is_some());
    });
    let (_, whole) = memory();
    build(&whole, options()).unwrap();
    let expected = Contents::of(&whole).unwrap().unwrap();
    let resumed = AtomicU64::new(0);
    let recover = |directory: &Directory| {
        let options = options().force(true);
        let report = build(directory, options).unwrap();
        resumed.fetch_add(u64::from(report.resumed.is_some()), Ordering::Relaxed);
        let found = Contents::of(directory).unwrap().unwrap();
        assert!(found.documents == expected.documents);
    };
    test.check(&test.record(), times(3), recover).unwrap();
    assert!(resumed.into_inner() > 5);
}

#[test]
fn a_full_disk_keeps_what_was_finished() {
    let expected = undisturbed();
    let injector = Injector::default();
    build(&Directory::over(Arc::new(injector.clone())), options()).unwrap();
    for call in (0..injector.calls()).step_by(3) {
        let injector = Injector::default();
        let directory = Directory::over(Arc::new(injector.clone()));
        injector.set_fault(Some((call, Fault::Full)));
        let mut source = counted();
        let first = build_with(&directory, options(), &mut source, &NoProgress);
        injector.set_fault(None);
        match first {
            Ok(_) => continue, // nothing was written any more
            Err(Error::Io { source, .. }) => assert_eq!(source.kind(), ErrorKind::StorageFull),
            Err(other) => panic!("call {call}: {other}"),
        }
        build_with(&directory, options(), &mut source, &NoProgress).unwrap();
        assert!(source.encoded <= DOCUMENTS as u64 + BATCH, "call {call}");
        assert!(injector.memory().files() == expected, "call {call}");
    }
}

#[test]
fn a_fault_at_any_call_of_a_resumed_build_leaves_one_that_can_go_on() {
    let expected = undisturbed();
    let (files, directory) = memory();
    stop_at(5, &directory, options());
    let begun = files.files();
    for call in 0.. {
        let injector = Injector::over(&begun);
        let directory = Directory::over(Arc::new(injector.clone()));
        injector.set_fault(Some((call, Fault::Error(ErrorKind::Other))));
        let first = build(&directory, options());
        let reached = injector.calls() > call;
        injector.set_fault(None);
        match first {
            Ok(_) => {}
            Err(Error::Io { .. }) => match build(&directory, options()) {
                Ok(report) => assert!(report.resumed.is_some(), "call {call}"),
                // The very last sync failed: the index is there.
                Err(Error::AlreadyExists { .. }) => {
                    let force = options().force(true);
                    Index::open_in(&directory).unwrap().verify().unwrap();
                    build(&directory, force).unwrap();
                    continue;
                }
                Err(other) => panic!("call {call}: {other}"),
            },
            Err(other) => panic!("call {call}: {other}"),
        }
        assert!(are_in(&expected, &injector.memory().files()), "call {call}");
        if !reached {
            break;
        }
    }
}
