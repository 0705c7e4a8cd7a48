//! Storage in a directory of the file system.

use super::{Bytes, Held, Storage, StorageFile};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

/// One directory of the file system.
#[derive(Debug)]
pub(super) struct FileSystem {
    path: PathBuf,
}

impl FileSystem {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
        }
    }
}

impl Storage for FileSystem {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create_directory(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        match self.path.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(parent) => sync_directory(parent),
            None => Ok(()),
        }
    }

    fn remove_directory(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.path.join(name).try_exists()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let path = self.path.join(name);
        // Not cut in place: someone may have it mapped.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Box::new(File::create_new(path)?)),
        }
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        let mut file = regular(at_once().write(true).open(self.path.join(name))?)?;
        if file.metadata()?.len() < length {
            return Err(super::too_short(length));
        }
        file.set_len(length)?;
        file.seek(io::SeekFrom::Start(length))?;
        Ok(Box::new(file))
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        Bytes::map(&regular(at_once().read(true).open(self.path.join(name))?)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    /// The system releases the lock when the process ends, however it ends.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Held>>> {
        let path = self.path.join(name);
        loop {
            let file = at_once()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)?;
            let file = regular(file)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path)? => return Ok(Some(Box::new(Lock(file)))),
                // Whoever held it removed the file, so that the next comer locks another.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Opens without waiting: to open a pipe is else to wait for somebody at its other end.
fn at_once() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK);
    options
}

/// The file that was opened, if it is one.
fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let what = "it is a folder, a pipe or a device, and should be a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// A file that is locked.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // To close it would not do: a process that another thread is starting has it open until it runs its own program.
        let _ = self.0.unlock();
    }
}

impl StorageFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Whether `path` still leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let mine = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (mine.dev(), mine.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Directories cannot be opened as files everywhere; where they can, names are durable only after this.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_given_back_although_a_process_that_starts_has_the_file_open() {
        let tmp = tempfile::tempdir().unwrap();
        let storage = FileSystem::new(tmp.path());
        let file = File::create(tmp.path().join("lock")).unwrap();
        file.try_lock().unwrap();
        let started = file.try_clone().unwrap();
        assert!(storage.lock("lock").unwrap().is_none());
        drop(Lock(file));
        assert!(storage.lock("lock").unwrap().is_some());
        drop(started);
    }
}
