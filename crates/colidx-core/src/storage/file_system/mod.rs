//! Storage in a directory of the file system.
//!
//! Every operation goes through a descriptor of the directory, relative to which names are looked
//! up. A pinned storage keeps that descriptor, so that it stays with its directory when the path is
//! given to another one.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "portable.rs")]
mod folder;

use super::parents::{self, MakeFolders};
use super::{Bytes, LockGuard, Storage, StorageFile};
use folder::Folder;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

/// One directory of the file system.
#[derive(Debug)]
pub(super) struct FileSystem {
    path: PathBuf,
    pinned: Option<Arc<Pinned>>,
}

/// A directory that was opened, and the path that led to it then, which holds wherever the process
/// changes to.
#[derive(Debug)]
struct Pinned {
    folder: Folder,
    path: PathBuf,
}

impl FileSystem {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            pinned: None,
        }
    }

    fn open(&self) -> io::Result<Arc<Pinned>> {
        match &self.pinned {
            Some(pinned) => Ok(Arc::clone(pinned)),
            None => Ok(Arc::new(Pinned {
                folder: Folder::open(&self.path)?,
                path: path::absolute(&self.path)?,
            })),
        }
    }
}

impl Storage for FileSystem {
    fn path(&self) -> &Path {
        &self.path
    }

    fn pin(&self) -> io::Result<Option<Arc<dyn Storage>>> {
        Ok(Some(Arc::new(Self {
            path: self.path.clone(),
            pinned: Some(self.open()?),
        })))
    }

    fn is_current(&self) -> io::Result<bool> {
        match &self.pinned {
            Some(pinned) => pinned.folder.is_at(&pinned.path),
            None => Ok(true),
        }
    }

    fn create_directory(&self) -> io::Result<()> {
        parents::create_all(&self.path, &mut Folders)
    }

    fn remove_directory(&self) -> io::Result<()> {
        if !self.is_current()? {
            return Err(io::ErrorKind::NotFound.into());
        }
        fs::remove_dir(&self.path)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.open()?.folder.list()
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        match self.open() {
            Ok(opened) => opened.folder.exists(name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let opened = self.open()?;
        // Removed and not truncated: a reader may have it mapped.
        match opened.folder.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Box::new(opened.folder.create_new(name)?)),
        }
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        let mut file = regular(self.open()?.folder.write(name)?)?;
        if file.metadata()?.len() < length {
            return Err(super::too_short(length));
        }
        file.set_len(length)?;
        file.seek(io::SeekFrom::Start(length))?;
        Ok(Box::new(file))
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        Bytes::map(&regular(self.open()?.folder.read(name)?)?)
    }

    fn read(&self, name: &str, most: usize) -> io::Result<Bytes> {
        let file = regular(self.open()?.folder.read(name)?)?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(Bytes::from(&bytes[..]))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.open()?.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.open()?.folder.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.open()?.folder.sync()
    }

    /// The system releases the lock when the process ends, however it ends.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn LockGuard>>> {
        let opened = self.open()?;
        loop {
            let file = regular(opened.folder.open_or_create(name)?)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let lock = Lock {
                file,
                directory: Arc::clone(&opened),
                name: name.to_owned(),
            };
            // The previous holder may have removed the file, and others would lock a new one.
            if lock.is_held()? {
                return Ok(Some(Box::new(lock)));
            }
        }
    }
}

/// Refuses folders, devices and pipes.
fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let what = "it is a folder, a pipe or a device, and should be a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// A file that is locked.
#[derive(Debug)]
struct Lock {
    file: File,
    directory: Arc<Pinned>,
    name: String,
}

impl LockGuard for Lock {
    fn is_held(&self) -> io::Result<bool> {
        self.directory.folder.is_file(&self.name, &self.file)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that another thread is forking holds it open until
        // it calls exec.
        let _ = self.file.unlock();
    }
}

impl StorageFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Folders of the file system.
struct Folders;

impl MakeFolders for Folders {
    fn make(&mut self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn is_folder(&mut self, path: &Path) -> io::Result<bool> {
        Ok(path.is_dir())
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        Folder::open(path)?.sync()
    }
}

#[cfg(test)]
mod tests;
