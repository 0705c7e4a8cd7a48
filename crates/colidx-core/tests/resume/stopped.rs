//! A build that is told to stop loses nothing that was encoded.

use crate::*;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[test]
fn a_cancelled_build_encodes_nothing_twice() {
    let expected = undisturbed();
    // One that makes safe what was done only when it is cancelled, and one that does so all the
    // time.
    for checkpoint in [Duration::MAX, Duration::ZERO] {
        let (files, directory) = memory();
        let options = || options().checkpoint(checkpoint);
        let mut source = counted();
        let mut stops = 0;
        loop {
            // Each run gets one question far, then one to the end.
            let watch = StopsAt::new(if stops < 7 { 1 } else { u64::MAX });
            match build_with(&directory, options(), &mut source, &watch) {
                Err(Error::Cancelled) => stops += 1,
                Ok(report) => {
                    assert_eq!(report.resumed, Some(DOCUMENTS as u64));
                    break;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(source.encoded, DOCUMENTS as u64);
        assert!(files.files() == expected);
    }
}

/// Stops at a signal that comes while it encodes, and gives what it has until then.
struct Interrupted<'a> {
    counted: Counted,
    /// Documents that it encodes before the signal comes.
    until: usize,
    asked: &'a AtomicBool,
}

impl VectorSource for Interrupted<'_> {
    fn dim(&self) -> usize {
        self.counted.dim()
    }

    fn fingerprint(&self) -> String {
        self.counted.fingerprint()
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let (some, rest) = documents.split_at(documents.len().min(self.until.max(1)));
        self.until = self.until.saturating_sub(some.len());
        if !rest.is_empty() {
            self.asked.store(true, Ordering::Relaxed);
        }
        self.counted.encode(some, out)
    }
}

struct AskedTo<'a>(&'a AtomicBool);

impl Progress for AskedTo<'_> {
    fn phase(&self, _: Phase, _: Option<u64>) {}

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn what_came_of_a_batch_before_it_was_interrupted_is_kept() {
    let expected = undisturbed();
    for step in [1, 100, 255, 257, 300] {
        let (files, directory) = memory();
        let mut encoded = 0;
        let report = loop {
            let asked = AtomicBool::new(false);
            let mut source = Interrupted {
                counted: counted(),
                // One document a run is enough to see the first batch through.
                until: if step == 1 && encoded > 3 { 9000 } else { step },
                asked: &asked,
            };
            let built = build_with(&directory, options(), &mut source, &AskedTo(&asked));
            encoded += source.counted.encoded;
            match built {
                Err(Error::Cancelled) => {}
                Ok(report) => break report,
                Err(other) => panic!("{step}: {other}"),
            }
        };
        assert_eq!(encoded, DOCUMENTS as u64, "{step} at a time");
        assert!(report.resumed.is_some());
        assert!(files.files() == expected, "{step} at a time");
    }
}

/// Gives a few documents at a time, and at last none.
struct Sparing(Counted, usize);

impl VectorSource for Sparing {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        self.0
            .encode(&documents[..documents.len().min(self.1)], out)
    }
}

#[test]
fn a_source_may_give_less_than_it_is_asked_for_but_not_nothing() {
    let (files, directory) = memory();
    build_with(
        &directory,
        options(),
        &mut Sparing(counted(), 7),
        &NoProgress,
    )
    .unwrap();
    assert!(files.files() == undisturbed());
    let (_, directory) = memory();
    let built = build_with(
        &directory,
        options(),
        &mut Sparing(counted(), 0),
        &NoProgress,
    );
    assert!(
        matches!(built, Err(Error::Source { got: 0, .. })),
        "{built:?}"
    );
}

#[test]
fn training_stops_when_told_and_starts_anew() {
    /// Cancels from the second word of progress in training on.
    #[derive(Default)]
    struct StopsTraining(AtomicBool, AtomicU64);
    impl Progress for StopsTraining {
        fn phase(&self, phase: Phase, _: Option<u64>) {
            self.0
                .store(matches!(phase, Phase::Train), Ordering::Relaxed);
        }
        fn advance(&self, _: u64) {
            let training = u64::from(self.0.load(Ordering::Relaxed));
            self.1.fetch_add(training, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.1.load(Ordering::Relaxed) > 1
        }
    }
    let (files, directory) = memory();
    let mut source = counted();
    let watch = StopsTraining::default();
    let stopped = build_with(&directory, options(), &mut source, &watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    assert!(watch.1.into_inner() < 10);
    let sampled = source.encoded;
    build_with(&directory, options(), &mut source, &NoProgress).unwrap();
    assert!(0 < sampled && source.encoded == DOCUMENTS as u64);
    assert!(files.files() == undisturbed());
}
