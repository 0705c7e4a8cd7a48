//! Files of an index: every file operation of the engine goes through [`Directory`].
//!
//! Files are written once under new names and never changed, so a mapped file stays what it was for
//! as long as a reader holds it. Only the manifest is ever replaced, and only by rename.

mod map;

pub(crate) use map::Bytes;

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Name of the file whose lock makes its holder the only writer.
const LOCK: &str = "lock";

/// One index directory in the file system.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    path: PathBuf,
}

/// Held by the one writer; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl Directory {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file_path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the directory and its parents, and makes the new entry durable.
    pub(crate) fn create_all(&self) -> Result<()> {
        std::fs::create_dir_all(&self.path).map_err(Error::io("cannot create", &self.path))?;
        if let Some(parent) = self.path.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync_directory(parent)?;
        }
        Ok(())
    }

    /// Names in the directory, sorted.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let failed = |e| Error::io("cannot list", &self.path)(e);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(Error::io("cannot list", &self.path))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.file_path(name).exists()
    }

    /// Takes the writer's lock without waiting.
    pub(crate) fn lock(&self) -> Result<WriterLock> {
        let path = self.file_path(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("cannot open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(WriterLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked {
                path: self.path.clone(),
            }),
            Err(std::fs::TryLockError::Error(e)) => Err(Error::io("cannot lock", &path)(e)),
        }
    }

    pub(crate) fn create(&self, name: &str) -> Result<OutputFile> {
        let path = self.file_path(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&path)
            .map_err(Error::io("cannot create", &path))?;
        Ok(OutputFile {
            out: BufWriter::with_capacity(1 << 18, file),
            path,
            position: 0,
        })
    }

    /// Maps a file for reading.
    pub(crate) fn map(&self, name: &str) -> Result<Bytes> {
        let path = self.file_path(name);
        let file = File::open(&path).map_err(Error::io("cannot open", &path))?;
        Bytes::map(&file).map_err(Error::io("cannot map", &path))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<()> {
        let target = self.file_path(to);
        std::fs::rename(self.file_path(from), &target).map_err(Error::io("cannot replace", &target))
    }

    /// Removes a file; one that is not there is removed already.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.file_path(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("cannot remove", &path)(e))
            }
            _ => Ok(()),
        }
    }

    /// Makes created, renamed and removed names durable.
    pub(crate) fn sync(&self) -> Result<()> {
        sync_directory(&self.path)
    }
}

/// Directories cannot be opened as files everywhere; where they can, names are durable only after this.
fn sync_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|d| d.sync_all())
            .map_err(Error::io("cannot sync", path))?;
    }
    Ok(())
}

/// A file being written, front to back.
#[derive(Debug)]
pub(crate) struct OutputFile {
    out: BufWriter<File>,
    path: PathBuf,
    position: u64,
}

impl OutputFile {
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

    /// Returns when every byte is on disk.
    pub(crate) fn sync(mut self) -> Result<()> {
        self.flush()?;
        self.out
            .get_ref()
            .sync_all()
            .map_err(Error::io("cannot sync", &self.path))
    }
}
