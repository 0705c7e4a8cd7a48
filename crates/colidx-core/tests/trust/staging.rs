//! A write that fails while documents are staged.

use crate::common;
use crate::common::crash::Contents;
use crate::common::live::{Words, document};
use colidx_core::storage::Memory;
use colidx_core::storage::fault::{Fault, Injector};
use colidx_core::*;
use std::io::ErrorKind;
use std::sync::Arc;

/// A document larger than every buffer, so that staging it writes: a fault there leaves nothing
/// that could be committed.
#[test]
fn a_fault_while_a_document_is_staged_poisons_the_writer() {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    common::live::build(
        &directory,
        &[("a".into(), "some words".into())].into(),
        BuildOptions::default(),
    );
    let before = Contents::of(&directory).unwrap();
    // Noise, which does not compress.
    let mut random = common::Random(1);
    let large: String = (0..1 << 20)
        .map(|_| char::from(b'!' + random.below(90) as u8))
        .collect();
    let mut poisoned = [0; 2];
    for fault in [Fault::Full, Fault::Error(ErrorKind::Other)] {
        for call in 0.. {
            let injector = Injector::over(&memory.files());
            let faulty = Directory::over(Arc::new(injector.clone()));
            let mut writer = IndexWriter::open_in(&faulty, WriterOptions::default()).unwrap();
            let calls = injector.calls();
            injector.set_fault(Some((calls + call, fault)));
            let staged = [
                writer.add(document("b", &large)),
                writer.update(document("a", &large)).map(drop),
                writer.add(document("c", "words")),
            ];
            let reached = injector.calls() > calls + call;
            injector.set_fault(None);
            let failed = staged
                .iter()
                .position(|s| matches!(s, Err(Error::Io { .. })));
            if let Some(at) = failed {
                poisoned[at.min(1)] += 1;
                let later = staged[at + 1..].iter();
                assert!(later.clone().all(|s| matches!(s, Err(Error::Poisoned))));
                let retried = writer.add(document("d", "words"));
                assert!(matches!(retried, Err(Error::Poisoned)));
                let committed = writer.commit(&mut Words, &NoProgress);
                assert!(matches!(committed, Err(Error::Poisoned)));
                drop(writer);
                assert_eq!(Contents::of(&faulty).unwrap(), before);
                writer = IndexWriter::open_in(&faulty, WriterOptions::default()).unwrap();
                writer.add(document("b", &large)).unwrap();
                writer.update(document("a", &large)).unwrap();
                writer.add(document("c", "words")).unwrap();
            }
            writer.commit(&mut Words, &NoProgress).unwrap();
            let index = Index::open_in(&faulty).unwrap();
            index.verify().unwrap();
            for key in ["a", "b"] {
                let doc = index.find(key).unwrap().unwrap();
                assert_eq!(index.document(doc).unwrap().text, large);
            }
            if !reached {
                break;
            }
        }
    }
    assert!(poisoned.iter().all(|&n| n > 0), "{poisoned:?}");
}

#[test]
fn a_fault_while_documents_are_added_poisons_the_builder() {
    let large = "x".repeat(3 << 20);
    for call in 0.. {
        let injector = Injector::default();
        let directory = Directory::over(Arc::new(injector.clone()));
        let Ok(mut builder) = IndexWriter::create_in(&directory, BuildOptions::default()) else {
            unreachable!("nothing fails yet");
        };
        let calls = injector.calls();
        injector.set_fault(Some((calls + call, Fault::Full)));
        let added = builder.add(document("a", &large));
        let reached = injector.calls() > calls + call;
        injector.set_fault(None);
        if added.is_err() {
            let again = builder.add(document("b", "words"));
            assert!(matches!(again, Err(Error::Poisoned)));
            let finished = builder.commit(&mut Words, &NoProgress);
            assert!(matches!(finished, Err(Error::Poisoned)));
            let left = Contents::of(&directory).unwrap();
            assert_eq!(left, None);
        }
        if !reached {
            break;
        }
    }
}
