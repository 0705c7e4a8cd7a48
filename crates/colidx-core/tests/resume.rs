//! A build that stops at any moment goes on where it stopped, and ends with the same bytes.

mod common;

use colidx_core::storage::Memory;
use colidx_core::storage::fault::{Fault, Injector};
use colidx_core::*;
use common::crash::{Contents, CrashTest};
use common::*;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Documents that the builder asks for at a time.
const BATCH: u64 = 256;
const DOCUMENTS: usize = 800;

const MODEL: &str = r#"{"name": "a", "location": "b", "fingerprint": "c", "architecture": "bert", "document_length": 1,
    "query_length": 1, "document_marker": "", "query_marker": "", "skiplist": [], "precision": "f32"}"#;

/// Enough short documents for two batches of sample and two more to encode.
fn corpus() -> Corpus {
    let mut corpus = Corpus::topical(DOCUMENTS, 8, 11);
    for (vectors, ids) in corpus.documents.iter_mut().zip(&mut corpus.token_ids) {
        ids.truncate(ids.len().min(5));
        vectors.truncate(ids.len() * 8);
    }
    corpus
}

/// Makes what was done safe at every chance.
fn options() -> BuildOptions {
    BuildOptions {
        centroids: Some(20),
        resume: true,
        checkpoint: Duration::ZERO,
        ..Default::default()
    }
}

/// Counts the documents that it is asked for.
struct Counted {
    corpus: Corpus,
    encoded: u64,
}

impl VectorSource for Counted {
    fn dim(&self) -> usize {
        self.corpus.dim
    }

    fn fingerprint(&self) -> String {
        "counted".into()
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        self.encoded += documents.len() as u64;
        self.corpus.encode(documents, out)
    }
}

fn counted() -> Counted {
    Counted {
        corpus: corpus(),
        encoded: 0,
    }
}

/// Cancels when it is asked for the n-th time, not counting training, which starts anew whenever it was stopped.
struct StopsAt {
    left: AtomicU64,
    training: AtomicBool,
}

impl StopsAt {
    fn new(n: u64) -> StopsAt {
        StopsAt {
            left: AtomicU64::new(n),
            training: AtomicBool::new(false),
        }
    }
}

impl Progress for StopsAt {
    fn phase(&self, phase: Phase, _: Option<u64>) {
        self.training
            .store(matches!(phase, Phase::Train), Ordering::Relaxed);
    }

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        let left = |n: u64| n.checked_sub(1);
        let (before, after) = (Ordering::Relaxed, Ordering::Relaxed);
        !self.training.load(before) && self.left.fetch_update(before, after, left).is_err()
    }
}

fn build_with(
    directory: &Directory,
    options: BuildOptions,
    source: &mut dyn VectorSource,
    progress: &dyn Progress,
) -> Result<BuildReport> {
    filled(directory, DOCUMENTS, options)?.finish(source, progress)
}

fn build(directory: &Directory, options: BuildOptions) -> Result<BuildReport> {
    build_with(directory, options, &mut counted(), &NoProgress)
}

fn memory() -> (Memory, Directory) {
    let memory = Memory::default();
    (memory.clone(), Directory::over(Arc::new(memory)))
}

fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let (files, directory) = memory();
    build(&directory, options()).unwrap();
    files.files()
}

/// Builds until the n-th question whether to stop. Returns how many documents were encoded.
fn stop_at(n: u64, directory: &Directory, options: BuildOptions) -> u64 {
    let mut source = counted();
    let watch = StopsAt::new(n);
    let stopped = build_with(directory, options, &mut source, &watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    source.encoded
}

#[test]
fn a_cancelled_build_encodes_nothing_twice() {
    let expected = undisturbed();
    // One that makes safe what was done only when it is cancelled, and one that does so all the time.
    for checkpoint in [Duration::MAX, Duration::ZERO] {
        let (files, directory) = memory();
        let options = || BuildOptions {
            checkpoint,
            ..options()
        };
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
                let again = BuildOptions {
                    force: true,
                    ..options()
                };
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
        let options = BuildOptions {
            force: true,
            ..options()
        };
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
                    let force = BuildOptions {
                        force: true,
                        ..options()
                    };
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

#[test]
fn an_unfinished_build_is_neither_lost_nor_resumed_by_chance() {
    let (files, directory) = memory();
    let encoded = stop_at(5, &directory, options());
    let plain = || BuildOptions {
        resume: false,
        ..options()
    };
    let before = files.files();
    assert!(before.contains_key("build.journal"));
    let error = build(&directory, plain()).unwrap_err();
    let told = error.to_string();
    assert!(matches!(error, Error::Unfinished { .. }), "{told}");
    for words in [
        &format!("{encoded} of 800 documents encoded"),
        "phase `encode`",
        "ago",
        "--resume",
        "--force",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(files.files() == before, "a refusal changes nothing");
    let error = Index::open_in(&directory).unwrap_err().to_string();
    assert!(error.contains("--resume"), "{error}");

    let force = BuildOptions {
        force: true,
        ..plain()
    };
    let report = build(&directory, force).unwrap();
    assert_eq!(report.resumed, None);
    assert!(files.files() == undisturbed());
}

#[test]
fn resuming_where_nothing_is_unfinished_is_a_plain_build() {
    let (_, directory) = memory();
    assert_eq!(build(&directory, options()).unwrap().resumed, None);
    let again = build(&directory, options()).unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    let force = BuildOptions {
        force: true,
        ..options()
    };
    assert_eq!(build(&directory, force).unwrap().resumed, None);
    let index = Index::open_in(&directory).unwrap();
    assert_eq!(index.info().unwrap().generation, 2);
}

/// A build over an index goes on over that index only.
#[test]
fn a_build_over_an_index_goes_on_while_the_index_is_the_same() {
    let (files, directory) = memory();
    let other = Corpus::topical(30, 8, 4);
    other.build_in(&directory, BuildOptions::default()).unwrap();
    let force = || BuildOptions {
        force: true,
        ..options()
    };
    let encoded = stop_at(5, &directory, force());
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.num_documents(), 30, "the old index stays");
    let unfinished = files.files();

    // Without --force, since it was given when the build began.
    let mut source = counted();
    let report = build_with(&directory, options(), &mut source, &NoProgress).unwrap();
    assert_eq!(report.resumed, Some(encoded));
    assert_eq!(source.encoded, DOCUMENTS as u64 - encoded);
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.info().unwrap().generation, 2);

    // What was left behind is nothing once another commit came.
    for (name, bytes) in &unfinished {
        if name.ends_with(".spool") || name == "build.journal" {
            files.put(name, bytes);
        }
    }
    let refused = build(&directory, options()).unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    assert_eq!(build(&directory, force()).unwrap().resumed, None);
    assert!(files.files().keys().all(|name| !name.ends_with(".spool")));
}

#[test]
fn another_build_is_not_resumed() {
    let (files, directory) = memory();
    let encoded = stop_at(5, &directory, options());
    let before = files.files();
    let refused = |result: Result<BuildReport>, words: &[&str]| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::OtherBuild { .. }), "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    };
    let with = |change: &dyn Fn(&mut BuildOptions)| {
        let mut options = options();
        change(&mut options);
        build(&directory, options)
    };
    refused(with(&|o| o.nbits = 2), &["nbits is 2, was 4", "--force"]);
    refused(with(&|o| o.seed = 7), &["seed is 7, was 42"]);
    refused(
        with(&|o| o.centroids = None),
        &["centroids is by default, was 20"],
    );
    refused(with(&|o| o.shape = CodebookKind::Flat), &["shape"]);
    let model: ModelInfo = serde_json::from_str(MODEL).unwrap();
    refused(with(&|o| o.model = Some(model.clone())), &["model's"]);

    let add = |change: &dyn Fn(usize, &mut String, &mut String) -> bool| {
        let mut builder = IndexBuilder::create_in(&directory, options()).unwrap();
        for document in 0..DOCUMENTS {
            let (mut key, mut text) = (key(document), format!("text of {document}"));
            if change(document, &mut key, &mut text) {
                let (key, text) = (&key, &text);
                builder
                    .add(&NewDocument {
                        key,
                        text,
                        ..Default::default()
                    })
                    .unwrap();
            }
        }
        builder.finish(&mut counted(), &NoProgress)
    };
    refused(
        add(&|document, _, _| document != 500),
        &["number of documents is 799, was 800"],
    );
    refused(
        add(&|document, key, _| {
            key.push_str(if document == 500 { "x" } else { "" });
            true
        }),
        &["hash of the keys"],
    );
    refused(
        add(&|document, _, text| {
            text.push_str(if document == 500 { "x" } else { "" });
            true
        }),
        &["hash of the texts"],
    );
    let other = Corpus::topical(DOCUMENTS, 16, 11);
    refused(
        build_with(&directory, options(), &mut other.clone(), &NoProgress),
        &["dimension of the vectors is 16, was 8"],
    );
    refused(
        build_with(&directory, options(), &mut corpus(), &NoProgress),
        &["source of the vectors"],
    );

    // The text is written anew each time; nothing else was touched, and the build still goes on.
    let kept = |files: BTreeMap<String, Vec<u8>>| {
        let files = files.into_iter();
        files
            .filter(|(name, _)| !name.starts_with("text"))
            .collect::<Vec<_>>()
    };
    assert!(kept(files.files()) == kept(before));
    let report = build(&directory, options()).unwrap();
    assert_eq!(report.resumed, Some(encoded));
    assert!(files.files() == undisturbed());
}

#[test]
fn a_damaged_unfinished_build_is_refused_or_made_again() {
    let expected = undisturbed();
    for stop in [1, 5] {
        let (files, directory) = memory();
        stop_at(stop, &directory, options());
        let files = files.files();
        let mut random = Random(stop);
        for (name, good) in &files {
            if good.is_empty() || name.starts_with("text") || name.starts_with("postings") {
                continue; // made anew in any case
            }
            let mut bad = files.clone();
            let at = random.below(good.len());
            bad.get_mut(name).unwrap()[at] ^= 1 << random.below(8);
            let cut = random.below(good.len());
            let mut short = files.clone();
            short.get_mut(name).unwrap().truncate(cut);
            let mut gone = files.clone();
            gone.remove(name);
            for damaged in [bad, short, gone] {
                let memory = Memory::with_files(
                    damaged
                        .iter()
                        .map(|(name, bytes)| (name.as_str(), &bytes[..])),
                );
                let directory = Directory::over(Arc::new(memory.clone()));
                match build(&directory, options()) {
                    // Behind what is recorded there may be anything.
                    Ok(_) => assert!(memory.files() == expected, "{name}"),
                    Err(
                        error @ (Error::Format(_)
                        | Error::Io { .. }
                        | Error::DamagedJournal { .. }
                        | Error::ManifestMissing { .. }),
                    ) => {
                        let force = BuildOptions {
                            force: true,
                            resume: false,
                            ..options()
                        };
                        build(&directory, force).unwrap();
                        // Files that nobody can tell of keep their numbers until the new index is there.
                        let untold = matches!(
                            error,
                            Error::ManifestMissing { .. } | Error::DamagedJournal { .. }
                        );
                        if untold {
                            Index::open_in(&directory).unwrap().verify().unwrap();
                            assert_eq!(memory.files().len(), expected.len(), "{name}");
                        } else {
                            assert!(memory.files() == expected, "{name}");
                        }
                    }
                    Err(other) => panic!("{name}: {other}"),
                }
            }
        }
    }
}
