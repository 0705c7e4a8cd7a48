//! Writes inside one folder only, and follows no links.
//!
//! Paths are relative to the folder and consist of plain names; see
//! [`is_plain`](super::id::is_plain).

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::HubError;

/// The folder, which may itself be a link: the user named it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
        }
    }

    /// The full path of `path`, for reading.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The full path of `path`, for writing: its parent folders are created, and are checked not to
    /// be links.
    fn prepare(&self, path: &Path) -> Result<PathBuf, HubError> {
        let io = |path: &Path, error| HubError::io(path.to_owned(), error);
        fs::create_dir_all(&self.root).map_err(|error| io(&self.root, error))?;
        let mut folder = self.root.clone();
        for part in path.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let found =
                        fs::symlink_metadata(&folder).map_err(|error| io(&folder, error))?;
                    if !found.is_dir() {
                        return Err(HubError::Link { path: folder });
                    }
                }
                made => made.map_err(|error| io(&folder, error))?,
            }
        }
        Ok(self.root.join(path))
    }

    /// Writes a file atomically.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), HubError> {
        self.replace(path, |new| fs::write(new, bytes))
    }

    /// Makes `path` a link to the file `to`, or a copy if the system has no links.
    pub(super) fn link(&self, to: &Path, path: &Path) -> Result<(), HubError> {
        let up: PathBuf = path.components().skip(1).map(|_| "..").collect();
        // Both paths begin with the repository's folder.
        let mut relative: PathBuf = up.components().skip(1).collect();
        relative.extend(to.components().skip(1));
        let to = self.path(to);
        self.replace(path, |new| {
            symlink(&relative, new)
                .or_else(|_| fs::hard_link(&to, new))
                .or_else(|_| fs::copy(&to, new).map(|_| ()))
        })
    }

    /// Lets `make` create a temporary file, and moves it to `path`.
    fn replace(
        &self,
        path: &Path,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), HubError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let target = self.prepare(path)?;
        let mut new = target.clone().into_os_string();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        new.push(format!(".{}-{number}.tmp", process::id()));
        let new = PathBuf::from(new);
        remove(&new)
            .and_then(|()| make(&new))
            .and_then(|()| fs::rename(&new, &target))
            .map_err(|error| {
                let _ = remove(&new);
                HubError::io(target, error)
            })
    }

    /// Creates an empty file unless `path` exists.
    pub(super) fn touch(&self, path: &Path) -> Result<(), HubError> {
        let target = self.prepare(path)?;
        match File::create_new(&target) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(HubError::io(target, error))
            }
            _ => Ok(()),
        }
    }

    /// Opens the file `path` to read and write, and creates it if necessary.
    pub(super) fn open(&self, path: &Path) -> Result<File, HubError> {
        let target = self.prepare(path)?;
        let mut options = File::options();
        options.read(true).write(true);
        let opened = match fs::symlink_metadata(&target) {
            Ok(found) if found.is_file() => options.open(&target),
            // A link, or a special file that could block.
            Ok(_) => return Err(HubError::Link { path: target }),
            Err(_) => match options.create_new(true).open(&target) {
                // Another process created it meanwhile.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    match fs::symlink_metadata(&target) {
                        Ok(found) if found.is_file() => options.create_new(false).open(&target),
                        _ => return Err(HubError::Link { path: target }),
                    }
                }
                opened => opened,
            },
        };
        opened.map_err(|error| HubError::io(target, error))
    }

    /// Renames the file `from` to `to`.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), HubError> {
        let (from, to) = (self.prepare(from)?, self.prepare(to)?);
        fs::rename(from, &to).map_err(|error| HubError::io(to, error))
    }

    /// Removes the file `path`, if it exists.
    pub(super) fn remove(&self, path: &Path) -> Result<(), HubError> {
        let target = self.prepare(path)?;
        remove(&target).map_err(|error| HubError::io(target, error))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn symlink(to: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

#[cfg(windows)]
fn symlink(to: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, path)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
