//! Random sequences of everything that can be done to an index, beside a plain map; after each, the
//! index is the map.
//!
//! `COLIDX_SEEDS=100` runs as many sequences.

mod common;

use colidx_core::storage::Storage;
use colidx_core::storage::fault::{Disk, Fault, Injector};
use colidx_core::*;
use common::live::*;
use common::words::check_words;
use common::{Random, times};
use std::sync::Arc;

/// Steps of one sequence.
const STEPS: usize = 120;

/// A codebook that is learned from fewer documents may fit others badly.
const FEW: usize = 30;

struct Run {
    random: Random,
    disk: Injector,
    writer: Option<IndexWriter>,
    committed: Map,
    staged: Map,
    /// A reader that stays where it is, and what it saw.
    reader: (Index, Map),
    /// How well vectors are kept.
    closeness: f32,
    /// What was done, for messages.
    log: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut map = Map::new();
        // Of some sequences the codebook is learned from the first documents that come.
        let none = seed % 4 == 3;
        for key in 0..if none { 0 } else { FEW + random.below(30) } {
            map.insert(format!("key {key}"), text(&mut random));
        }
        let disk = Injector::default();
        let directory = Directory::over(Arc::new(disk.clone()));
        // Few centroids, so that some searches take the quick way.
        let options = BuildOptions::default().nbits(8).centroids(12);
        build(&directory, &map, options);
        Self {
            reader: (Index::open_in(&directory).unwrap(), map.clone()),
            random,
            disk,
            writer: None,
            staged: map.clone(),
            committed: map,
            // A residual beyond all that the codebook was learned from is kept as the largest of
            // those.
            closeness: if none { -1.1 } else { 0.8 },
            log: Vec::new(),
        }
    }

    fn directory(&self) -> Directory {
        Directory::over(Arc::new(self.disk.clone()))
    }

    fn key(&mut self) -> String {
        format!("key {}", self.random.below(80))
    }

    fn writer(&mut self) -> &mut IndexWriter {
        let directory = self.directory();
        self.writer.get_or_insert_with(|| {
            IndexWriter::open_in(&directory, WriterOptions::default()).unwrap()
        })
    }

    fn step(&mut self) {
        let (key, text) = (self.key(), text(&mut self.random));
        let choice = self.random.below(100);
        self.log.push(format!("{choice} {key}"));
        match choice {
            0..25 => {
                let added = self.writer().add(document(&key, &text));
                match self.staged.contains_key(&key) {
                    true => assert!(matches!(added, Err(Error::DuplicateKey { .. }))),
                    false => {
                        added.unwrap();
                        self.staged.insert(key, text);
                    }
                }
            }
            25..40 => {
                let replaced = self.writer().update(document(&key, &text)).unwrap();
                assert_eq!(replaced, self.staged.insert(key, text).is_some());
            }
            40..58 => {
                let deleted = self.writer().delete(&key).unwrap();
                assert_eq!(deleted, self.staged.remove(&key).is_some());
            }
            58..74 => self.commit(),
            74..77 => {
                self.writer().rollback();
                self.staged = self.committed.clone();
            }
            77..81 => {
                self.writer = None;
                self.staged = self.committed.clone();
            }
            81..85 => self.maintain(|writer| writer.compact(&NoProgress)),
            85..87 => self.maintain(|writer| writer.merge(&NoProgress)),
            87..89 => {
                let options = RetrainOptions::default().centroids(12);
                if choice == 87 {
                    self.maintain(|writer| writer.retrain(None, &options, &NoProgress));
                } else {
                    self.maintain(|w| w.retrain(Some(&mut Words), &options, &NoProgress));
                }
                if self.committed.len() < FEW {
                    self.closeness = -1.1;
                }
            }
            89..92 => self.crash(),
            92..96 => self.meddle(),
            _ => {
                let index = self.reader.0.reload().unwrap();
                if let Some(index) = index {
                    self.reader = (index, self.committed.clone());
                }
            }
        }
    }

    fn commit(&mut self) {
        let report = self.writer().commit(&mut Words, &NoProgress).unwrap();
        assert!(report.unmerged.is_none(), "{report:?}");
        self.committed = self.staged.clone();
        assert_eq!(
            report.generation,
            self.writer().index().unwrap().generation()
        );
    }

    /// Maintenance is refused while something is staged, and changes nothing that is seen.
    fn maintain(&mut self, work: impl FnOnce(&mut IndexWriter) -> Result<CommitReport>) {
        let staged = self.staged != self.committed;
        match work(self.writer()) {
            Err(Error::Uncommitted { .. }) => self.writer().rollback(),
            Err(other) => panic!("{other}"),
            Ok(_) => assert!(!staged, "maintenance over staged changes"),
        }
        self.staged = self.committed.clone();
    }

    /// Somebody else does what only the writer may: what is committed stays what somebody
    /// committed.
    fn meddle(&mut self) {
        let files = self.disk.memory().clone();
        let conflict = |result: Result<CommitReport>| match result {
            Err(Error::Conflict { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        let key = self.key();
        self.writer()
            .update(document(&key, "abc7 writer1"))
            .unwrap();
        self.staged.insert(key.clone(), "abc7 writer1".into());
        let manifest = files.files()["manifest"].clone();
        match self.random.below(4) {
            // Nobody comes in the place of a lock that is removed: the writer makes it again.
            0 => {
                files.remove("lock").unwrap();
                self.commit();
            }
            // Another writer does, and commits.
            1 => {
                files.remove("lock").unwrap();
                let other = IndexWriter::open_in(&self.directory(), WriterOptions::default());
                let mut other = other.unwrap();
                other.update(document(&key, "abc7 another1")).unwrap();
                let late = self.random.below(2) == 0;
                if late {
                    other.commit(&mut Words, &NoProgress).unwrap();
                    drop(other);
                    let found = conflict(self.writer().commit(&mut Words, &NoProgress));
                    assert_eq!(found, Conflict::Committed);
                } else {
                    let found = conflict(self.writer().commit(&mut Words, &NoProgress));
                    assert_eq!(found, Conflict::Locked);
                    other.commit(&mut Words, &NoProgress).unwrap();
                }
                self.writer = None;
                self.committed.insert(key, "abc7 another1".into());
            }
            // The manifest goes.
            2 => {
                files.remove("manifest").unwrap();
                let found = conflict(self.writer().commit(&mut Words, &NoProgress));
                assert_eq!(found, Conflict::Committed);
                self.writer = None;
                let opened = Index::open_in(&self.directory());
                assert!(matches!(opened, Err(Error::ManifestMissing { .. })));
                files.put("manifest", &manifest);
            }
            // The directory goes, and comes back.
            _ => {
                self.disk.set_moved(true);
                let found = conflict(self.writer().commit(&mut Words, &NoProgress));
                assert_eq!(found, Conflict::Moved);
                assert_eq!(files.files()["manifest"], manifest);
                assert!(
                    self.writer().delete(&key).is_err(),
                    "it waits for the commit"
                );
                let found = conflict(self.writer().commit(&mut Words, &NoProgress));
                assert_eq!(found, Conflict::Moved);
                self.disk.set_moved(false);
                self.commit();
            }
        }
        // The disk's record knows nothing of what others did.
        self.writer = None;
        self.disk = Injector::over(&files.files());
        self.reader = (
            Index::open_in(&self.directory()).unwrap(),
            self.committed.clone(),
        );
        self.staged = self.committed.clone();
    }

    /// The power is cut while a commit is under way, or some time after one.
    fn crash(&mut self) {
        let calls = self.disk.calls();
        let under_way = self.random.below(3) > 0;
        if under_way {
            let call = calls + self.random.below(60);
            self.writer();
            self.disk.set_fault(Some((call, Fault::Stop)));
            let committed = self.writer().commit(&mut Words, &NoProgress);
            if committed.is_ok() {
                self.committed = self.staged.clone();
            }
        }
        self.writer = None;
        let mut disk = Disk::default();
        self.disk
            .events()
            .iter()
            .for_each(|event| disk.apply(event));
        let seed = self.random.next();
        let crashes: Vec<_> = disk.crashes(3, seed).collect();
        let left = &crashes[self.random.below(crashes.len())];
        self.disk = Injector::over(&left.files.files());
        let index = Index::open_in(&self.directory()).unwrap();
        index.verify().unwrap();
        let is = |map: &Map| {
            index.num_documents() == map.len() as u64
                && map
                    .iter()
                    .all(|(key, text)| match index.find(key).unwrap() {
                        Some(doc) => index.document(doc).unwrap().text == *text,
                        None => false,
                    })
        };
        if !is(&self.committed) {
            assert!(under_way && is(&self.staged), "{}", left.what);
            self.committed = self.staged.clone();
        }
        self.staged = self.committed.clone();
        self.reader = (index, self.committed.clone());
    }

    fn check(&mut self) {
        let index = Index::open_in(&self.directory()).unwrap();
        index.verify().unwrap();
        check_documents(&index, &self.committed, self.closeness);
        check_filters(&index, &self.committed, &mut self.random);
        let (query, k) = (query(&mut self.random), self.random.below(20));
        check_search(&index, &query, k);
        check_words(&index, &self.committed, &query, &mut self.random);
        check_documents(&self.reader.0, &self.reader.1, self.closeness);
        check_search(&self.reader.0, &query, k);
    }
}

#[test]
fn an_index_is_what_a_map_is_whatever_is_done_to_it() {
    let seeds = times(12) as u64;
    for seed in 0..seeds {
        let mut run = Run::new(seed);
        for step in 0..STEPS {
            let stepped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run.step();
                run.check();
            }));
            if let Err(panic) = stepped {
                println!("seed {seed}, step {step}: {}", run.log.join(", "));
                std::panic::resume_unwind(panic);
            }
        }
    }
}
