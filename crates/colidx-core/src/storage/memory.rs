//! Storage in memory.

use super::aligned::AlignedBytes;
use super::{Bytes, LockGuard, Storage, StorageFile, too_short};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A directory in memory. It is gone with its last handle, and a sync has nothing to wait for.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// The files that are locked, under whatever name or none.
    locked: Vec<Content>,
}

/// The bytes of a file, which an unlinked name or a map keeps. A map is a snapshot: whoever writes
/// then writes a copy.
type Content = Arc<Mutex<Arc<AlignedBytes>>>;

impl Memory {
    /// A directory that holds these files.
    pub fn with_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let memory = Self::default();
        for (name, bytes) in files {
            memory.put(name, bytes);
        }
        memory
    }

    /// Puts a file in place, whatever was there.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let content = Arc::new(Mutex::new(Arc::new(bytes.into())));
        self.state().files.insert(name.to_owned(), content);
    }

    /// All files by name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let copy = |content: &Content| lock(content).to_vec();
        let state = self.state();
        let files = state.files.iter();
        files.map(|(name, f)| (name.clone(), copy(f))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn content(&self, name: &str) -> io::Result<Content> {
        let state = self.state();
        let found = state.files.get(name).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Nothing here is left half done, so what a panicking thread held is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for Memory {
    fn path(&self) -> &Path {
        Path::new("(memory)")
    }

    fn create_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn remove_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.state().files.contains_key(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.put(name, &[]);
        self.append(name, 0)
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        let content = self.content(name)?;
        let position = match usize::try_from(length) {
            Ok(position) if position <= lock(&content).len() => position,
            _ => return Err(too_short(length)),
        };
        Arc::make_mut(&mut lock(&content)).resize(position);
        Ok(Box::new(MemoryFile { content, position }))
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        let content = self.content(name)?;
        let bytes = lock(&content).clone();
        Ok(Bytes::shared(bytes))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let content = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self.state().files.remove(name) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn LockGuard>>> {
        let mut state = self.state();
        let file = Arc::clone(state.files.entry(name.to_owned()).or_default());
        if state.locked.iter().any(|locked| Arc::ptr_eq(locked, &file)) {
            return Ok(None);
        }
        state.locked.push(Arc::clone(&file));
        Ok(Some(Box::new(MemoryLock {
            state: Arc::clone(&self.state),
            file,
            name: name.to_owned(),
        })))
    }
}

#[derive(Debug)]
struct MemoryFile {
    content: Content,
    position: usize,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Arc::make_mut(&mut lock(&self.content)).write_at(self.position, bytes);
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StorageFile for MemoryFile {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    state: Arc<Mutex<State>>,
    file: Content,
    name: String,
}

impl LockGuard for MemoryLock {
    fn is_held(&self) -> io::Result<bool> {
        let state = lock(&self.state);
        let there = state.files.get(&self.name);
        Ok(there.is_some_and(|there| Arc::ptr_eq(there, &self.file)))
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let locked = &mut lock(&self.state).locked;
        locked.retain(|locked| !Arc::ptr_eq(locked, &self.file));
    }
}
