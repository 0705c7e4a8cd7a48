//! Directories whose locks do nothing.

use crate::common;
use crate::common::crash::Contents;
use crate::common::live::{Words, document};
use colidx_core::storage::{Bytes, LockGuard, Memory, Storage, StorageFile};
use colidx_core::*;
use std::io;
use std::path::Path;
use std::sync::Arc;

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
