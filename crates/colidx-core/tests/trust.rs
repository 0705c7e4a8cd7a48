//! Nothing that a writer is given or meets makes it commit what cannot be opened, or lose what was
//! there.

mod common;

use colidx_core::storage::fault::{Fault, Injector};
use colidx_core::storage::{Bytes, LockGuard, Memory, Storage, StorageFile};
use colidx_core::*;
use common::crash::Contents;
use common::live::{Words, document};
use common::{Corpus, key, times};
use proptest::prelude::*;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// A value of any magnitude that f32 has, zero and the smallest among them.
fn any_finite() -> impl Strategy<Value = f32> {
    (any::<u32>(), 0..5u8).prop_map(|(bits, kind)| match kind {
        // Everything of the same size: what is far from what comes next is met elsewhere.
        0 => (bits % 1000) as f32 / 1000.0 - 0.5,
        1 => 0.0,
        _ => {
            let value = f32::from_bits(bits);
            if value.is_finite() { value } else { 1.0 }
        }
    })
}

/// Vectors of which whole columns have one exponent, as a dead dimension or one of another unit
/// has.
fn columns(dim: usize) -> impl Strategy<Value = Vec<f32>> {
    let exponents = proptest::collection::vec(-150..128i32, dim);
    let values = proptest::collection::vec(-1.0f32..1.0, dim * 60);
    (exponents, values).prop_map(move |(exponents, mut values)| {
        for row in values.chunks_exact_mut(dim) {
            for (value, &exponent) in row.iter_mut().zip(&exponents) {
                *value = (f64::from(*value) * 2f64.powi(exponent)) as f32;
            }
        }
        values
    })
}

fn corpus(dim: usize, vectors: Vec<f32>) -> Corpus {
    let documents: Vec<Vec<f32>> = vectors.chunks(dim * 5).map(<[f32]>::to_vec).collect();
    let tokens = |document: &Vec<f32>| vec![1; document.len() / dim];
    Corpus {
        dim,
        token_ids: documents.iter().map(tokens).collect(),
        documents,
    }
}

/// Refused with the document, or committed so that everything works.
fn is_refused_or_whole<T>(result: Result<T>, directory: &Directory, before: &Option<Contents>) {
    let now = Contents::of(directory).unwrap();
    match result {
        Ok(_) => {
            let index = Index::open_in(directory).unwrap();
            let decoded = now.unwrap().documents;
            assert!(decoded.iter().all(|(_, v)| v.iter().all(|v| v.is_finite())));
            let query = Query::new(&vec![0.5; index.dim()], index.dim()).unwrap();
            index.search(&query, &SearchOptions::default()).unwrap();
        }
        Err(error @ (Error::TooLong { .. } | Error::NotUnitLength { .. })) => {
            assert!(error.to_string().contains("`doc-"), "{error}");
            assert_eq!(&now, before);
        }
        Err(other) => panic!("{other}"),
    }
}

fn try_everything(first: &Corpus, second: &Corpus, nbits: u32) {
    let memory = Memory::default();
    let directory = Directory::over(Arc::new(memory.clone()));
    let options = BuildOptions::default().nbits(nbits).force(true);
    let built = first.build_in(&directory, options.clone());
    is_refused_or_whole(built, &directory, &None);
    if Contents::of(&directory).unwrap().is_none() {
        let ones = corpus(first.dim, vec![0.25; first.dim * 20]);
        ones.build_in(&directory, options.clone()).unwrap();
    }

    let before = Contents::of(&directory).unwrap();
    let mut writer = IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    for number in 0..second.documents.len() {
        let text = format!("text of {number}");
        let key = format!("doc-{number} more");
        let added = NewDocument::new(&key).text(&text);
        writer.add(added).unwrap();
    }
    let added = writer.commit(&mut second.clone(), &NoProgress);
    is_refused_or_whole(added, &directory, &before);

    let whole = |result: Result<CommitReport>| {
        result.unwrap();
        is_refused_or_whole(Ok(()), &directory, &None);
    };
    writer.delete(&key(0)).unwrap();
    whole(writer.commit(&mut NoVectors, &NoProgress));
    whole(writer.compact(&NoProgress));
    whole(writer.retrain(None, &RetrainOptions::default(), &NoProgress));
    drop(writer);

    let before = Contents::of(&directory).unwrap();
    let rebuilt = second.build_in(&directory, options);
    is_refused_or_whole(rebuilt, &directory, &before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(times(24) as u32))]

    #[test]
    fn vectors_of_any_magnitude_are_stored_or_refused(
        first in proptest::collection::vec(any_finite(), 4 * 40),
        second in proptest::collection::vec(any_finite(), 4 * 40),
        nbits in prop_oneof![Just(1u32), Just(2), Just(4), Just(8)],
    ) {
        try_everything(&corpus(4, first), &corpus(4, second), nbits);
    }

    #[test]
    fn columns_of_any_magnitude_are_stored_or_refused(
        first in columns(5),
        second in columns(5),
        nbits in prop_oneof![Just(1u32), Just(2), Just(4), Just(8)],
    ) {
        try_everything(&corpus(5, first), &corpus(5, second), nbits);
    }
}

/// One document whose numbers leave the range, among others: named with row and column, and nothing
/// is changed.
#[test]
fn a_vector_that_is_too_long_is_refused_by_name() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("index");
    let good = Corpus::topical(40, 8, 1);
    good.build(&path, BuildOptions::default()).unwrap();
    let directory = Directory::new(&path);
    let before = Contents::of(&directory).unwrap();
    let mut bad = Corpus::topical(40, 8, 2);
    bad.documents[7][2 * 8 + 5] = -1e20;
    let force = BuildOptions::default().force(true);
    match bad.build(&path, force) {
        Err(Error::TooLong {
            what,
            row,
            column,
            value,
            ..
        }) => {
            assert_eq!(
                (what.as_str(), row, column, value),
                ("document `doc-7`", 2, 5, -1e20)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Contents::of(&directory).unwrap(), before);
}

/// The directory is replaced while a writer works: the other is left alone, and nothing that was
/// encoded is lost.
#[cfg(unix)]
#[test]
fn a_directory_that_is_swapped_is_left_alone() {
    let tmp = tempfile::tempdir().unwrap();
    let path = |name: &str| tmp.path().join(name);
    let corpus = |seed| Corpus::topical(30, 8, seed);
    corpus(1)
        .build(&path("live"), BuildOptions::default())
        .unwrap();
    corpus(2)
        .build(&path("next"), BuildOptions::default())
        .unwrap();
    let next = Contents::of(&Directory::new(path("next"))).unwrap();
    let live = Contents::of(&Directory::new(path("live"))).unwrap();

    let swap = |out: &str, inn: &str| {
        fs::rename(path("live"), path(out)).unwrap();
        fs::rename(path(inn), path("live")).unwrap();
    };
    let mut writer = IndexWriter::open(path("live"), WriterOptions::default()).unwrap();
    writer.add(document("late", "text of 0")).unwrap();
    swap("old", "next");
    let moved = writer.commit(&mut corpus(3), &NoProgress).unwrap_err();
    assert!(
        matches!(
            moved,
            Error::Conflict {
                found: Conflict::Moved,
                ..
            }
        ),
        "{moved}"
    );
    assert_eq!(Contents::of(&Directory::new(path("live"))).unwrap(), next);
    assert_eq!(Contents::of(&Directory::new(path("old"))).unwrap(), live);
    swap("next", "old");
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let now = Index::open(path("live")).unwrap();
    now.verify().unwrap();
    assert!(now.find("late").unwrap().is_some());
    drop(writer);
    assert_eq!(Contents::of(&Directory::new(path("next"))).unwrap(), next);

    // A build over it is kept where it was begun, and resumed there.
    let options = BuildOptions::default().force(true);
    let mut filled = common::filled(&Directory::new(path("live")), 30, options.clone()).unwrap();
    swap("old", "next");
    let moved = filled.commit(&mut corpus(4), &NoProgress).unwrap_err();
    assert!(matches!(moved, Error::Conflict { .. }), "{moved}");
    assert_eq!(Contents::of(&Directory::new(path("live"))).unwrap(), next);
    let resumed = corpus(4).build(&path("old"), options.resume(true));
    assert_eq!(resumed.unwrap().resumed, Some(30));
}

/// A reader that is opened while directories are swapped sees one of them, never a mixture.
#[cfg(unix)]
#[test]
fn an_open_beside_swaps_is_of_one_directory() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let tmp = tempfile::tempdir().unwrap();
    let path = |name: &str| tmp.path().join(name);
    for (name, documents) in [("live", 20), ("next", 21)] {
        let corpus = Corpus::topical(documents, 8, documents as u64);
        corpus.build(&path(name), BuildOptions::default()).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(path("live"), path("old")).unwrap();
                fs::rename(path("next"), path("live")).unwrap();
                fs::rename(path("old"), path("next")).unwrap();
            }
        });
        let mut seen = [0; 2];
        while seen.iter().any(|&n| n < times(50)) {
            match Index::open(path("live")) {
                Ok(index) => {
                    let documents = index.num_documents();
                    index.verify().unwrap();
                    seen[documents as usize - 20] += 1;
                }
                // Between two renames there is no index.
                Err(Error::NotAnIndex { .. }) => {}
                Err(other) => {
                    done.store(true, Ordering::Relaxed);
                    panic!("{other}");
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Stops a build when its sample is encoded.
#[derive(Default)]
struct StopAtTraining(std::sync::atomic::AtomicBool);

impl Progress for StopAtTraining {
    fn phase(&self, phase: Phase, _: Option<u64>) {
        let training = phase == Phase::Train;
        self.0
            .fetch_or(training, std::sync::atomic::Ordering::Relaxed);
    }

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The states that a directory can be in (docs/guide/update.md): what each is called, that nothing
/// but force removes anything, and that force leads out.
#[test]
fn every_state_of_a_directory_has_a_name_and_a_way_out() {
    let index = |path: &Path| {
        drop(
            Corpus::topical(20, 8, 1)
                .build(path, BuildOptions::default())
                .unwrap(),
        )
    };
    let unfinished = |path: &Path| {
        let options = BuildOptions::default().centroids(4);
        let mut filled = common::filled(&Directory::new(path), 20, options).unwrap();
        let stopped = filled.commit(&mut Corpus::topical(20, 8, 1), &StopAtTraining::default());
        assert!(matches!(stopped, Err(Error::Cancelled)));
    };
    type Make<'a> = &'a dyn Fn(&Path);
    type Is = fn(&Error) -> bool;
    // How to make it; what opening, writing and building say of it; whether force replaces it.
    let states: [(&str, Make<'_>, Is, Option<Is>, bool); 9] = [
        (
            "not there",
            &|_| {},
            |e| matches!(e, Error::NotAnIndex { .. }),
            None,
            true,
        ),
        (
            "empty",
            &|p| fs::create_dir(p).unwrap(),
            |e| matches!(e, Error::NotAnIndex { .. }),
            None,
            true,
        ),
        (
            "a lock alone",
            &|p| {
                fs::create_dir(p).unwrap();
                fs::write(p.join("lock"), "").unwrap();
            },
            |e| matches!(e, Error::NotAnIndex { .. }),
            None,
            true,
        ),
        (
            "somebody else's",
            &|p| {
                fs::create_dir(p).unwrap();
                fs::write(p.join("thesis.doc"), "").unwrap();
            },
            |e| matches!(e, Error::NotAnIndex { .. }),
            Some(|e| matches!(e, Error::DirectoryNotEmpty { .. })),
            false,
        ),
        (
            "an unfinished build",
            &unfinished,
            |e| matches!(e, Error::NotAnIndex { .. }),
            Some(|e| matches!(e, Error::Unfinished { .. })),
            true,
        ),
        (
            "without its manifest",
            &|p| {
                index(p);
                fs::remove_file(p.join("manifest")).unwrap();
            },
            |e| matches!(e, Error::ManifestMissing { .. }),
            Some(|e| matches!(e, Error::ManifestMissing { .. })),
            true,
        ),
        (
            "one file alone",
            &|p| {
                fs::create_dir(p).unwrap();
                fs::write(p.join("text-00000004.clx"), "").unwrap();
            },
            |e| matches!(e, Error::ManifestMissing { .. }),
            Some(|e| matches!(e, Error::ManifestMissing { .. })),
            true,
        ),
        (
            "a damaged manifest",
            &|p| {
                index(p);
                fs::write(p.join("manifest"), "junk").unwrap();
            },
            |e| matches!(e, Error::Format(_)),
            Some(|e| matches!(e, Error::AlreadyExists { .. })),
            true,
        ),
        (
            "without a file that it names",
            &|p| {
                index(p);
                fs::remove_file(p.join("codes-00000001.clx")).unwrap();
            },
            |e| matches!(e, Error::Io { .. }),
            Some(|e| matches!(e, Error::AlreadyExists { .. })),
            true,
        ),
    ];
    let names = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    };
    for (state, make, open, build, force) in states {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("index");
        make(&path);
        let before = names(&path);
        let error = Index::open(&path).unwrap_err();
        assert!(open(&error), "{state}: {error}");
        let error = IndexWriter::open(&path, WriterOptions::default())
            .err()
            .unwrap();
        assert!(open(&error), "{state}: {error}");
        let corpus = Corpus::topical(20, 8, 1);
        let options = |resume, force| {
            BuildOptions::default()
                .resume(resume)
                .force(force)
                .centroids(5)
        };
        if let Some(refused) = build {
            let error = corpus.build(&path, options(false, false)).unwrap_err();
            assert!(refused(&error), "{state}: {error}");
            // Other settings than it was begun with.
            corpus.build(&path, options(true, false)).unwrap_err();
            assert_eq!(names(&path), before, "{state}");
        }
        assert_eq!(
            corpus.build(&path, options(false, force)).is_ok(),
            force,
            "{state}"
        );
        if force {
            Index::open(&path).unwrap().verify().unwrap();
            assert_eq!(names(&path).len(), 10, "{state}: {:?}", names(&path));
        }
    }
}

/// What is in the place of the journal beside a whole index hinders nobody who says so.
#[test]
fn a_journal_that_cannot_be_read_has_a_way_out() {
    let corpus = Corpus::topical(20, 8, 1);
    let puts: [&dyn Fn(&Path); 3] = [
        &|p| fs::write(p, "junk").unwrap(),
        &|p| fs::create_dir(p).unwrap(),
        #[cfg(unix)]
        &|p| nix::unistd::mkfifo(p, nix::sys::stat::Mode::S_IRWXU).unwrap(),
        #[cfg(not(unix))]
        &|p| fs::write(p, "").unwrap(),
    ];
    for put in puts {
        let tmp = tempfile::tempdir().unwrap();
        corpus.build(tmp.path(), BuildOptions::default()).unwrap();
        let journal = tmp.path().join("build.journal");
        put(&journal);
        Index::open(tmp.path()).unwrap().verify().unwrap();
        let refused = IndexWriter::open(tmp.path(), WriterOptions::default()).err();
        assert!(
            matches!(refused, Some(Error::DamagedJournal { .. })),
            "{refused:?}"
        );
        let refused = corpus.build(tmp.path(), BuildOptions::default());
        assert!(matches!(refused, Err(Error::DamagedJournal { .. })));
        let force = BuildOptions::default().force(true);
        corpus.build(tmp.path(), force).unwrap();
        assert!(!journal.exists());
        IndexWriter::open(tmp.path(), WriterOptions::default()).unwrap();
    }
}

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

/// A directory whose locks do nothing, as those of some network mounts.
#[derive(Debug, Clone, Default)]
struct WithoutLocks(Memory);

#[derive(Debug)]
struct NoLock;

impl LockGuard for NoLock {
    fn is_held(&self) -> io::Result<bool> {
        Ok(true)
    }
}

impl Storage for WithoutLocks {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn create_directory(&self) -> io::Result<()> {
        self.0.create_directory()
    }

    fn remove_directory(&self) -> io::Result<()> {
        self.0.remove_directory()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.0.exists(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.0.create(name)
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        self.0.append(name, length)
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        self.0.map(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn LockGuard>>> {
        Ok(Some(Box::new(NoLock)))
    }
}

/// Files of two writers have the same names: the one that comes late writes over none that the
/// other has committed.
#[test]
fn where_locks_do_nothing_a_late_writer_spoils_no_commit() {
    let directory = Directory::over(Arc::new(WithoutLocks::default()));
    let documents = [("a".to_owned(), "some words".to_owned())].into();
    common::live::build(&directory, &documents, BuildOptions::default());
    let writer = || IndexWriter::open_in(&directory, WriterOptions::default()).unwrap();
    let (mut first, mut late) = (writer(), writer());
    first.add(document("b", "words of the first")).unwrap();
    first.commit(&mut Words, &NoProgress).unwrap();
    let committed = Contents::of(&directory).unwrap();
    let added = late.add(document("c", "words of the late one"));
    assert!(matches!(added, Err(Error::Conflict { .. })), "{added:?}");
    drop(late);
    assert_eq!(Contents::of(&directory).unwrap(), committed);
    first.add(document("d", "more words")).unwrap();
    first.commit(&mut Words, &NoProgress).unwrap();
    Index::open_in(&directory).unwrap().verify().unwrap();
}
