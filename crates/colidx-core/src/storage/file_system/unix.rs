//! An open directory, in which names are looked up whatever its path leads to.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{self, AtFlags, OFlag};
use nix::sys::stat::{self, FileStat, Mode};
use nix::unistd::{self, UnlinkatFlags};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(fcntl::open(path, flags, Mode::empty())?))
    }

    /// Whether `path` leads to this directory.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        is_same(stat::stat(path), &stat::fstat(&self.0)?)
    }

    /// Whether a name in the directory, not followed as a link, leads to an open file.
    pub(super) fn is_file(&self, name: &str, file: &File) -> io::Result<bool> {
        let there = stat::fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        is_same(there, &stat::fstat(file)?)
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        let mut dir = Dir::openat(
            self.0.as_fd(),
            ".",
            OFlag::O_RDONLY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    pub(super) fn exists(&self, name: &str) -> io::Result<bool> {
        match stat::fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        self.file(
            name,
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW,
        )
    }

    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW)
    }

    pub(super) fn write(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlag::O_WRONLY | OFlag::O_NOFOLLOW)
    }

    /// Follows links: who keeps the large files of an index on another disk may link to them.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlag::O_RDONLY)
    }

    /// Without O_NONBLOCK the opening of a pipe waits until somebody opens its other end.
    fn file(&self, name: &str, how: OFlag) -> io::Result<File> {
        let flags = how | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        match fcntl::openat(&self.0, name, flags, Mode::from_bits_truncate(0o666)) {
            Ok(file) => Ok(file.into()),
            // What open(2) says of a link that must not be followed, and of a pipe that nobody
            // reads.
            Err(Errno::ELOOP | Errno::ENXIO) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a link, a pipe or a device, and should be a file",
            )),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fcntl::renameat(&self.0, from, &self.0, to)?)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unistd::unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            // What unlink(2) says of folders differs from system to system.
            Err(error @ (Errno::EISDIR | Errno::EPERM)) => {
                let removed = unistd::unlinkat(&self.0, name, UnlinkatFlags::RemoveDir);
                removed.map_err(|other| {
                    if other == Errno::ENOTDIR {
                        error
                    } else {
                        other
                    }
                })?;
                Ok(())
            }
            removed => Ok(removed?),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(unistd::fsync(&self.0)?)
    }
}

fn is_same(there: nix::Result<FileStat>, open: &FileStat) -> io::Result<bool> {
    match there {
        Ok(there) => Ok((there.st_dev, there.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
