//! A directory by its path, for systems whose directories cannot be opened as files.
//!
//! There a file or directory that is open keeps its name, so that what is found by path is what was
//! opened.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self(std::path::absolute(path)?))
    }

    pub(super) fn is_at(&self, _: &Path) -> io::Result<bool> {
        Ok(true)
    }

    pub(super) fn is_file(&self, _: &str, _: &File) -> io::Result<bool> {
        Ok(true)
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    pub(super) fn exists(&self, name: &str) -> io::Result<bool> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        File::create_new(self.0.join(name))
    }

    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        options.open(self.0.join(name))
    }

    pub(super) fn write(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join(name))
    }

    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        File::open(self.0.join(name))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.is_dir() {
            return fs::remove_dir(path);
        }
        fs::remove_file(path)
    }

    /// Names are durable when the system makes them so.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
