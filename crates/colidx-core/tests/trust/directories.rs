//! What a directory can be, and what can become of it while one works.

use crate::common::crash::Contents;
use crate::common::live::document;
use crate::common::{self, Corpus, times};
use colidx_core::*;
use std::fs;
use std::path::Path;

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
