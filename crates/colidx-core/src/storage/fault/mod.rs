//! A directory for tests of disk faults: it records every change, fails on demand, and
//! its record says what a disk may hold after power was cut ([`Disk`]).

mod disk;

pub use disk::{Crash, Disk};

use super::parents::{self, MakeFolders};
use super::{Bytes, LockGuard, Memory, Storage, StorageFile};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A change to the directory or to one of its files. Files have numbers, since names come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An empty file was made, under a name that was not there.
    Create {
        /// Its name.
        name: String,
        /// Its number.
        file: usize,
    },
    /// Bytes were written.
    Write {
        /// The file's number.
        file: usize,
        /// Where in the file.
        offset: u64,
        /// What was written.
        bytes: Vec<u8>,
    },
    /// A file was cut.
    Cut {
        /// The file's number.
        file: usize,
        /// Its bytes from then on.
        length: u64,
    },
    /// A file's bytes were made durable.
    Sync {
        /// The file's number.
        file: usize,
    },
    /// A file got another name, in place of the file that had it.
    Rename {
        /// The old name.
        from: String,
        /// The new one.
        to: String,
    },
    /// A name was removed.
    Remove {
        /// The name.
        name: String,
    },
    /// Names were made durable.
    SyncDirectory,
    /// A folder was made: the directory itself, or one above it.
    MakeFolder {
        /// Its path.
        path: PathBuf,
    },
    /// The names of folders in a folder were made durable.
    SyncFolder {
        /// The path of the folder that has them.
        path: PathBuf,
    },
}

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails, and does nothing.
    Error(io::ErrorKind),
    /// A write takes half of its bytes, as it may; every other call works.
    ShortWrite,
    /// The disk is full: a write takes half of its bytes, and those after it fail, as does making a
    /// file.
    Full,
    /// The process ends: this call and all after it do nothing.
    Stop,
}

/// A directory in memory that records every change, and fails at a chosen call.
#[derive(Debug, Clone, Default)]
pub struct Injector {
    memory: Memory,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: usize,
    fault: Option<(usize, Fault)>,
    events: Vec<Event>,
    names: BTreeMap<String, usize>,
    files: usize,
    /// Folders that are there, when the directory is not there from the beginning.
    folders: Vec<PathBuf>,
    has_folders: bool,
    /// The path leads to another directory.
    moved: bool,
}

/// Where the directory lies: none of these folders is there at first, unless it holds files.
const PATH: &str = "folders/to/make";

/// What a call is, as far as faults tell calls apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    Write,
    Other,
}

impl Injector {
    /// A directory that already holds these files; its record begins with them, synced.
    pub fn over(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let injector = Self::default();
        let mut state = injector.state();
        state.has_folders = true;
        for (name, bytes) in files {
            injector.memory.put(name, bytes);
            let file = state.create(name);
            state.events.push(Event::Write {
                file,
                offset: 0,
                bytes: bytes.clone(),
            });
            state.events.push(Event::Sync { file });
        }
        state.events.push(Event::SyncDirectory);
        drop(state);
        injector
    }

    /// The files as the running system sees them.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Calls made so far.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Lets `fault` happen at a call, counted from 0 since the directory was made; `None` lets all
    /// be well again.
    pub fn set_fault(&self, fault: Option<(usize, Fault)>) {
        self.state().fault = fault;
    }

    /// Gives the path of the directory to another, or gives it back. Who holds this one pinned
    /// still reaches it.
    pub fn set_moved(&self, moved: bool) {
        self.state().moved = moved;
    }

    /// All changes so far.
    pub fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call. Returns whether a write is to take half of its bytes only.
    fn call(&mut self, call: Call) -> io::Result<bool> {
        let number = self.calls;
        self.calls += 1;
        let Some((at, fault)) = self.fault.filter(|&(at, _)| number >= at) else {
            return Ok(false);
        };
        let first = number == at;
        match fault {
            Fault::Error(kind) if first => Err(kind.into()),
            Fault::ShortWrite if first => Ok(true),
            Fault::Full if first && call == Call::Write => Ok(true),
            Fault::Full if call != Call::Other => Err(io::ErrorKind::StorageFull.into()),
            Fault::Stop => Err(io::Error::other("the process has ended")),
            _ => Ok(false),
        }
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        let number = self.names.get(name).copied();
        number.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&mut self, name: &str) -> usize {
        let file = self.files;
        self.files += 1;
        self.names.insert(name.to_owned(), file);
        self.events.push(Event::Create {
            name: name.to_owned(),
            file,
        });
        file
    }
}

impl MakeFolders for State {
    fn make(&mut self, path: &Path) -> io::Result<()> {
        self.call(Call::Other)?;
        if self.is_folder(path)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !self.folders.iter().any(|made| made == parent)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let path = path.to_path_buf();
        self.folders.push(path.clone());
        self.events.push(Event::MakeFolder { path });
        Ok(())
    }

    fn is_folder(&mut self, path: &Path) -> io::Result<bool> {
        Ok(self.has_folders || self.folders.iter().any(|made| made == path))
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        self.call(Call::Other)?;
        let path = path.to_path_buf();
        self.events.push(Event::SyncFolder { path });
        Ok(())
    }
}

impl Storage for Injector {
    fn path(&self) -> &Path {
        Path::new(PATH)
    }

    fn is_current(&self) -> io::Result<bool> {
        let mut state = self.state();
        state.call(Call::Other)?;
        Ok(!state.moved)
    }

    fn create_directory(&self) -> io::Result<()> {
        parents::create_all(Path::new(PATH), &mut *self.state())
    }

    fn remove_directory(&self) -> io::Result<()> {
        self.state().call(Call::Other).map(drop)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.state().call(Call::Other)?;
        self.memory.list()
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.state().call(Call::Other)?;
        self.memory.exists(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.state();
        state.call(Call::Create)?;
        if state.names.remove(name).is_some() {
            state.events.push(Event::Remove {
                name: name.to_owned(),
            });
        }
        let file = state.create(name);
        Ok(Box::new(InjectorFile {
            out: self.memory.create(name)?,
            injector: self.clone(),
            file,
            position: 0,
        }))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.state();
        state.call(Call::Other)?;
        let out = self.memory.append(name, length)?;
        let file = state.number(name)?;
        state.events.push(Event::Cut { file, length });
        Ok(Box::new(InjectorFile {
            out,
            injector: self.clone(),
            file,
            position: length,
        }))
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        self.state().call(Call::Other)?;
        self.memory.map(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.call(Call::Other)?;
        self.memory.rename(from, to)?;
        let file = state.number(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.events.push(Event::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.call(Call::Other)?;
        self.memory.remove(name)?;
        state.names.remove(name);
        state.events.push(Event::Remove {
            name: name.to_owned(),
        });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call(Call::Other)?;
        state.events.push(Event::SyncDirectory);
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn LockGuard>>> {
        let mut state = self.state();
        state.call(Call::Create)?;
        let held = self.memory.lock(name)?;
        if held.is_some() && !state.names.contains_key(name) {
            state.create(name);
        }
        Ok(held)
    }
}

#[derive(Debug)]
struct InjectorFile {
    out: Box<dyn StorageFile>,
    injector: Injector,
    file: usize,
    position: u64,
}

impl Write for InjectorFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.injector.state();
        let half = state.call(Call::Write)?;
        let taken = if half {
            &bytes[..bytes.len().div_ceil(2)]
        } else {
            bytes
        };
        self.out.write_all(taken)?;
        state.events.push(Event::Write {
            file: self.file,
            offset: self.position,
            bytes: taken.to_vec(),
        });
        self.position += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StorageFile for InjectorFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.injector.state();
        state.call(Call::Other)?;
        state.events.push(Event::Sync { file: self.file });
        Ok(())
    }
}
