//! Where an index lives: every file operation of the engine goes through [`Directory`].
//!
//! A [`Directory`] is a handle on a [`Storage`]: a directory of the file system, memory ([`Memory`]), or memory that
//! records and fails as a test says ([`fault`]). An index in memory is built and searched as one on disk:
//!
//! ```
//! # use colidx_core::*;
//! # struct Vectors;
//! # impl VectorSource for Vectors {
//! #     fn dim(&self) -> usize { 2 }
//! #     fn encode(&mut self, documents: &[SourceDocument<'_>], out: &mut VectorBatch)
//! #         -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! #         out.lens.resize(documents.len(), 1);
//! #         out.vectors.resize(2 * documents.len(), 0.5);
//! #         Ok(())
//! #     }
//! # }
//! # fn main() -> Result<(), Error> {
//! let directory = Directory::memory();
//! let mut builder = IndexBuilder::create_in(&directory, BuildOptions::default())?;
//! builder.add(&NewDocument { key: "a", text: "a quick brown fox", ..Default::default() })?;
//! builder.finish(&mut Vectors, &NoProgress)?;
//! assert_eq!(Index::open_in(&directory)?.num_documents(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Files are written once under new names and never changed, so a mapped file stays what it was for
//! as long as a reader holds it. Only the manifest is ever replaced, and only by rename.

mod aligned;
pub mod fault;
mod file_system;
mod guard;
mod map;
mod memory;
mod parents;

pub use map::Bytes;
pub(crate) use map::major_faults;
pub use memory::Memory;

use crate::error::{Error, Result};
use file_system::FileSystem;
use guard::Guard;
use std::fmt::Debug;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the file whose lock makes its holder the only writer.
pub(crate) const LOCK: &str = "lock";

/// Bytes collected before a file is written to.
const BUFFER: usize = 1 << 18;

/// One directory of files, whatever it is made of.
///
/// What is written reaches the disk, in any order, at any time up to [`StorageFile::sync`]; names that are made, renamed
/// or removed do so up to [`Storage::sync`]. Each rename happens whole or not at all.
pub trait Storage: Debug + Send + Sync {
    /// What the directory is called in messages.
    fn path(&self) -> &Path;

    /// A handle that stays with the directory when its path is given to another; `None` where this is one already.
    fn pin(&self) -> io::Result<Option<Arc<dyn Storage>>> {
        Ok(None)
    }

    /// Whether the path of a pinned directory still leads to it.
    fn is_current(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Makes the directory and those above it where they are not there, durably.
    fn create_directory(&self) -> io::Result<()>;

    /// Removes the directory if it is empty.
    fn remove_directory(&self) -> io::Result<()>;

    /// Names of the files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Whether a name is there.
    fn exists(&self, name: &str) -> io::Result<bool>;

    /// Makes an empty file to be written front to back. A file of that name is removed first, not cut: maps of it stay.
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Opens a file to go on writing at `length`, and cuts off what lies behind. A shorter file is an
    /// [`io::ErrorKind::UnexpectedEof`].
    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>>;

    /// The bytes of a file as they are now; later writes to it may or may not show.
    fn map(&self, name: &str) -> io::Result<Bytes>;

    /// Gives a file another name, in place of a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name, be it of an empty folder; maps of the file stay as they are.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes created, renamed and removed names durable.
    fn sync(&self) -> io::Result<()>;

    /// Takes a lock on a file, which is made where it is not there, or gives `None` if another holds it. The lock is
    /// given back when the value is dropped, and when the process ends.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Held>>>;
}

/// A file being written, front to back. A write may take fewer bytes than it is given.
pub trait StorageFile: Write + Debug + Send {
    /// Returns when every byte is on disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A lock that is held until it is dropped.
pub trait Held: Debug + Send + Sync {
    /// Whether the name of the locked file still leads to it. If not, the next comer would lock another file.
    fn is_held(&self) -> io::Result<bool>;
}

fn too_short(length: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("the file has fewer than the {length} bytes that were written to it"),
    )
}

/// The directory of an index. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct Directory {
    /// As the caller gave it: its path may come to lead elsewhere.
    named: Arc<dyn Storage>,
    storage: Arc<dyn Storage>,
    /// Asked before every change; of the writer only.
    guard: Option<Arc<Guard>>,
}

impl Directory {
    /// A directory of the file system, which need not be there.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::over(Arc::new(FileSystem::new(path.as_ref())))
    }

    /// A new, empty directory in memory.
    pub fn memory() -> Self {
        Self::over(Arc::new(Memory::default()))
    }

    /// Any other storage.
    pub fn over(storage: Arc<dyn Storage>) -> Self {
        Self {
            named: Arc::clone(&storage),
            storage,
            guard: None,
        }
    }

    /// A handle that stays with the directory that the path leads to now.
    pub(crate) fn pinned(&self) -> Result<Self> {
        let pinned = self.storage.pin();
        let pinned = pinned.map_err(Error::io("cannot open", self.path()))?;
        Ok(Self {
            storage: pinned.unwrap_or_else(|| Arc::clone(&self.storage)),
            ..self.clone()
        })
    }

    /// A handle on what the path leads to, whenever it is used.
    pub(crate) fn by_path(&self) -> Self {
        Self::over(Arc::clone(&self.named))
    }

    /// What it is called in messages; for a directory of the file system its path.
    pub fn path(&self) -> &Path {
        self.storage.path()
    }

    pub(crate) fn file_path(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Makes the directory and its parents, and makes the new entry durable.
    pub(crate) fn create_all(&self) -> Result<()> {
        let made = self.storage.create_directory();
        made.map_err(Error::io("cannot create", self.path()))
    }

    /// Removes the directory if it is empty.
    pub(crate) fn remove_directory(&self) -> Result<()> {
        let removed = self.storage.remove_directory();
        removed.map_err(Error::io("cannot remove", self.path()))
    }

    /// Names in the directory, sorted.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let listed = self.storage.list();
        let mut names = listed.map_err(Error::io("cannot list", self.path()))?;
        names.sort();
        Ok(names)
    }

    pub(crate) fn exists(&self, name: &str) -> Result<bool> {
        let found = self.storage.exists(name);
        found.map_err(Error::io("cannot look for", &self.file_path(name)))
    }

    pub(crate) fn create(&self, name: &str) -> Result<OutputFile> {
        self.check_guard()?;
        let path = self.file_path(name);
        let file = self.storage.create(name);
        let file = file.map_err(Error::io("cannot create", &path))?;
        Ok(OutputFile::new(file, path, 0))
    }

    /// Goes on writing a file at `length`, cutting off what lies behind.
    pub(crate) fn append(&self, name: &str, length: u64) -> Result<OutputFile> {
        self.check_guard()?;
        let path = self.file_path(name);
        let file = self.storage.append(name, length);
        let file = file.map_err(Error::io("cannot go on writing", &path))?;
        Ok(OutputFile::new(file, path, length))
    }

    /// Maps a file for reading.
    pub(crate) fn map(&self, name: &str) -> Result<Bytes> {
        let mapped = self.storage.map(name);
        mapped.map_err(Error::io("cannot map", &self.file_path(name)))
    }

    /// Puts a finished, synced file in place of another at one blow, and returns when that is durable.
    pub(crate) fn replace(&self, with: &str, name: &str) -> Result<()> {
        // What the new file speaks of must have durable names before it is found.
        self.sync()?;
        self.check_guard()?;
        self.put_in_place(with, name)
    }

    fn put_in_place(&self, with: &str, name: &str) -> Result<()> {
        let renamed = self.storage.rename(with, name);
        renamed.map_err(Error::io("cannot replace", &self.file_path(name)))?;
        self.sync()
    }

    /// Removes a file; one that is not there is removed already.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        self.check_guard()?;
        match self.storage.remove(name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("cannot remove", &self.file_path(name))(e))
            }
            _ => Ok(()),
        }
    }

    /// Makes created, renamed and removed names durable.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.storage.sync();
        synced.map_err(Error::io("cannot sync", self.path()))
    }
}

/// A file being written, front to back.
#[derive(Debug)]
pub(crate) struct OutputFile {
    out: BufWriter<Box<dyn StorageFile>>,
    path: PathBuf,
    position: u64,
}

impl OutputFile {
    fn new(file: Box<dyn StorageFile>, path: PathBuf, position: u64) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, file),
            path,
            position,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out
            .write_all(bytes)
            .map_err(Error::io("cannot write", &self.path))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Hands the bytes to the operating system without waiting for the disk.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.out
            .flush()
            .map_err(Error::io("cannot write", &self.path))
    }

    /// Returns when every byte so far is on disk.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let synced = self.out.get_mut().sync();
        synced.map_err(Error::io("cannot sync", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every storage owes, whatever it is made of.
    fn keeps_its_promises(storage: &dyn Storage) -> io::Result<()> {
        storage.create_directory()?;
        assert!(!storage.exists("a")?);
        assert_eq!(
            storage.map("a").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        let mut file = storage.create("a")?;
        file.write_all(b"some bytes")?;
        file.sync()?;
        drop(file);
        let map = storage.map("a")?;
        assert_eq!((&*map, map.as_ptr() as usize % 64), (&b"some bytes"[..], 0));

        // A map outlives the name, and a new file of that name.
        storage.create("a")?.write_all(b"others")?;
        assert_eq!(
            (&*map, &*storage.map("a")?),
            (&b"some bytes"[..], &b"others"[..])
        );
        storage.rename("a", "b")?;
        assert_eq!(storage.list()?, ["b"]);
        let mut file = storage.append("b", 2)?;
        file.write_all(b"her")?;
        drop(file);
        assert_eq!(&*storage.map("b")?, b"other");
        let short = storage.append("b", 6).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        storage.create("c")?;
        assert_eq!(&*storage.map("c")?, b"");
        storage.rename("b", "c")?;
        assert_eq!(&*storage.map("c")?, b"other");
        storage.sync()?;

        let held = storage.lock("lock")?.unwrap();
        assert!(held.is_held()? && storage.lock("lock")?.is_none());
        storage.remove("lock")?;
        assert!(!held.is_held()?);
        let other = storage.lock("lock")?.unwrap();
        assert!(other.is_held()? && !held.is_held()?);
        drop((held, other));
        assert!(storage.lock("lock")?.is_some());
        storage.remove("c")?;
        storage.remove("lock")?;
        let gone = storage.remove("c").unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        assert!(storage.list()?.is_empty());
        storage.remove_directory()
    }

    #[test]
    fn three_storages_are_one_to_the_engine() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("parent/index");
        keeps_its_promises(&FileSystem::new(&path)).unwrap();
        assert!(!path.exists());
        keeps_its_promises(&Memory::default()).unwrap();
        keeps_its_promises(&fault::Injector::default()).unwrap();
    }

    #[test]
    fn a_lock_file_removed_by_its_holder_locks_nobody_out() {
        let tmp = tempfile::tempdir().unwrap();
        let storage = FileSystem::new(tmp.path());
        let first = storage.lock(LOCK).unwrap();
        storage.remove(LOCK).unwrap();
        let second = storage.lock(LOCK).unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(storage.lock(LOCK).unwrap().is_none());
    }
}
