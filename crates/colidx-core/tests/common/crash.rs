//! Cuts power at every moment of a sequence of commits, and looks at what is left.

use super::forge::Files;
use colidx_core::storage::fault::{Disk, Event, Injector};
use colidx_core::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What an index holds, as a user sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    pub generation: u64,
    /// Every document and its vectors, in order.
    pub documents: Vec<(Document, Vec<f32>)>,
    /// What filters can ask for; `None` where the index has no columns.
    pub fields: Option<Vec<FieldInfo>>,
    /// What its words are made by.
    pub analyzer: Option<String>,
}

impl Contents {
    /// Opens an index, verifies it, and reads all of it; `None` where there is none.
    pub fn of(directory: &Directory) -> Result<Option<Self>> {
        let index = match Index::open_in(directory) {
            Err(Error::NotAnIndex { .. }) => return Ok(None),
            other => other?,
        };
        index.verify()?;
        let read = |doc| Ok((index.document(doc)?, index.token_vectors(doc)?));
        Ok(Some(Self {
            generation: index.info()?.generation,
            documents: index.doc_ids().map(read).collect::<Result<_>>()?,
            fields: match index.fields() {
                Err(Error::NoColumns { .. }) => None,
                fields => Some(fields?),
            },
            analyzer: index.analyzer()?.map(|analyzer| analyzer.name().into()),
        }))
    }
}

/// Part of what happened: a change of the disk, or that a commit returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Disk(Event),
    Committed,
}

/// How many crashes left the last commit, and how many the one that was under way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub crashes: usize,
    pub last: usize,
    pub next: usize,
}

/// A sequence of commits, recorded.
#[derive(Default)]
pub struct CrashTest {
    injector: Injector,
    record: Vec<Step>,
    /// How what there was at first came to the disk.
    start: Vec<Event>,
    /// What there was before the first commit and after each.
    contents: Vec<Option<Contents>>,
    /// What was found in directories, by a hash of their files: many crashes leave the same.
    known: RefCell<HashMap<u64, Result<Option<Contents>, String>>>,
}

impl CrashTest {
    /// An empty directory.
    pub fn new() -> Self {
        Self {
            contents: vec![None],
            ..Self::default()
        }
    }

    /// The files of an index, which all are safe.
    pub fn over(files: &Files) -> Self {
        let injector = Injector::over(files);
        let directory = Directory::over(Arc::new(injector.clone()));
        Self {
            start: injector.events(),
            contents: vec![Contents::of(&directory).unwrap()],
            injector,
            ..Self::default()
        }
    }

    /// Lets `change` make one commit, and remembers what it did and what then was there.
    pub fn commit(&mut self, change: impl FnOnce(&Directory)) {
        let before = self.injector.events().len();
        change(&self.directory());
        let events = self.injector.events();
        self.record
            .extend(events.into_iter().skip(before).map(Step::Disk));
        self.record.push(Step::Committed);
        let contents = Contents::of(&self.directory()).expect("a commit makes an index");
        assert_ne!(contents, self.contents[self.contents.len() - 1]);
        self.contents.push(contents);
    }

    fn directory(&self) -> Directory {
        Directory::over(Arc::new(self.injector.clone()))
    }

    /// All steps so far.
    pub fn record(&self) -> Vec<Step> {
        self.record.clone()
    }

    /// Cuts power after every step of `record`, with `samples` random outcomes of what was not
    /// synced besides the plain ones. Each must leave the last commit that returned, or the one
    /// under way, and nothing else. `recover` is then called with the directory of some of them.
    pub fn check(
        &self,
        record: &[Step],
        samples: usize,
        recover: impl Fn(&Directory),
    ) -> Result<Counts, String> {
        let mut disk = Disk::default();
        self.start.iter().for_each(|event| disk.apply(event));
        let mut counts = Counts::default();
        let mut committed = 0;
        let mut known = self.known.borrow_mut();
        for (at, step) in record.iter().enumerate() {
            match step {
                Step::Disk(event) => disk.apply(event),
                Step::Committed => committed += 1,
            }
            for crash in disk.crashes(samples, at as u64) {
                counts.crashes += 1;
                let mut hash = DefaultHasher::new();
                crash.files.files().hash(&mut hash);
                let directory = Directory::over(Arc::new(crash.files));
                let found = known
                    .entry(hash.finish())
                    .or_insert_with(|| Contents::of(&directory).map_err(|e| e.to_string()));
                match found {
                    Ok(found) if *found == self.contents[committed] => counts.last += 1,
                    Ok(found) if Some(&*found) == self.contents.get(committed + 1) => {
                        counts.next += 1;
                    }
                    found => {
                        let found = match found {
                            Ok(None) => "no index".to_owned(),
                            Ok(Some(found)) => format!("generation {}", found.generation),
                            Err(error) => error.clone(),
                        };
                        return Err(format!(
                            "{found} after step {at} ({}) and commit {committed}, where {}",
                            describe(step),
                            crash.what
                        ));
                    }
                }
                if counts.crashes % 97 == 0 {
                    recover(&directory);
                }
            }
        }
        Ok(counts)
    }
}

fn describe(step: &Step) -> String {
    match step {
        Step::Disk(Event::Write {
            file,
            offset,
            bytes,
        }) => {
            format!("write of {} bytes to file {file} at {offset}", bytes.len())
        }
        other => format!("{other:?}"),
    }
}
