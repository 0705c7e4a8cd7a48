//! Output files that a user names.
//!
//! One rule for all of them. Links are followed, and stay links. Devices, pipes and open
//! descriptors are written through. A regular file appears under its name only when it is whole,
//! keeps its owner and mode where it takes the place of another, and takes that place only where
//! nothing is lost or it was asked for. No file of an index and no input of the same command is
//! ever written over, whatever name leads to it.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

mod destination;
mod error;
mod protected;

use error::io_error;
use protected::Way;

pub use error::OutputError;
pub use protected::Protected;
pub(crate) use protected::is_index;

/// A file that is being written.
pub struct OutputFile {
    path: PathBuf,
    protected: Protected,
    inner: BufWriter<File>,
    part: Option<Part>,
}

impl OutputFile {
    /// Begins to write `path`, if `protected` lets it.
    ///
    /// # Errors
    /// It may not be written, or cannot.
    pub fn create(path: &Path, protected: &Protected) -> Result<OutputFile, OutputError> {
        let (file, part) = match protected.way(path)? {
            Way::Through(number) => (through(path, number), None),
            Way::Whole(target, before) => match Part::beside(target, before.is_some()) {
                Ok((file, part)) => (Ok(file), Some(part)),
                Err(error) => (Err(error), None),
            },
        };
        let file = file.map_err(|source| io_error(path, source))?;
        Ok(OutputFile {
            path: path.to_owned(),
            protected: protected.clone(),
            inner: BufWriter::with_capacity(1 << 16, file),
            part,
        })
    }

    /// Finishes the file and gives it its name.
    ///
    /// # Errors
    /// As [`OutputFile::complete`] and [`CompletedFile::publish`].
    pub fn finish(self) -> Result<(), OutputError> {
        self.complete()?.publish()
    }

    /// Finishes the file, which waits for its name. Dropped, it is removed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn complete(mut self) -> Result<CompletedFile, OutputError> {
        let written = self.inner.flush().and_then(|()| match &self.part {
            Some(_) => self.inner.get_ref().sync_all(),
            None => Ok(()),
        });
        written.map_err(|source| io_error(&self.path, source))?;
        Ok(CompletedFile {
            path: self.path,
            protected: self.protected,
            part: self.part,
        })
    }
}

/// Opens a destination that is written in place: a device, a pipe or a descriptor.
fn through(path: &Path, number: Option<u32>) -> io::Result<File> {
    match number.and_then(duplicate) {
        Some(file) => file,
        // A file behind a descriptor is appended to; to devices and pipes it makes no
        // difference.
        None => File::options().append(true).open(path),
    }
}

/// Standard output or standard error once more, by the number of its descriptor. It goes on where
/// the other is.
fn duplicate(descriptor: u32) -> Option<io::Result<File>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let (out, err) = (io::stdout(), io::stderr());
        let stream = match descriptor {
            1 => out.as_fd(),
            2 => err.as_fd(),
            _ => return None,
        };
        Some(stream.try_clone_to_owned().map(File::from))
    }
    #[cfg(not(unix))]
    {
        let _ = descriptor;
        None
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A file that is whole and waits for its name.
pub struct CompletedFile {
    path: PathBuf,
    protected: Protected,
    part: Option<Part>,
}

impl CompletedFile {
    /// Gives the file its name, if it still may have it.
    ///
    /// # Errors
    /// Something else stands there by now, or the file cannot be renamed; what was written is kept.
    pub fn publish(mut self) -> Result<(), OutputError> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        let named = self.protected.way(&self.path).and_then(|way| match way {
            Way::Whole(target, before) if target == part.target => {
                let named = part.name(before.as_ref());
                named.map_err(|source| io_error(&self.path, source))
            }
            _ => {
                let moved = io::Error::other("the name leads elsewhere than it did");
                Err(io_error(&self.path, moved))
            }
        });
        named.map_err(|source| OutputError::Kept {
            source: Box::new(source),
            part: part.keep(),
        })
    }
}

/// A temporary file in the folder of its target.
struct Part {
    path: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl Part {
    /// Where it takes the place of a file, nobody else may read it before it has that file's mode.
    fn beside(target: PathBuf, replaces: bool) -> io::Result<(File, Part)> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if replaces {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = replaces;
        let process = std::process::id();
        let mut number = 0;
        loop {
            let path = target.with_file_name(format!(".colidx-{process}-{number}.part"));
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
                Ok(file) => {
                    let kept = false;
                    return Ok((file, Part { path, target, kept }));
                }
            }
        }
    }

    fn name(&self, before: Option<&Metadata>) -> io::Result<()> {
        if let Some(before) = before {
            adopt(&self.path, before)?;
        }
        fs::rename(&self.path, &self.target)?;
        // Where folders cannot be made durable there is nothing to do about it.
        let folder = self.target.parent().map(File::open);
        let _ = folder.and_then(Result::ok).map(|folder| folder.sync_all());
        Ok(())
    }

    fn keep(mut self) -> PathBuf {
        self.kept = true;
        self.path.clone()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // Gone already where it got its name; the failure that led here otherwise is the one to
            // report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives a file the owner and mode of another.
fn adopt(path: &Path, before: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let now = path.metadata()?;
        let changed = |then, now| (then != now).then_some(then);
        let (owner, group) = (
            changed(before.uid(), now.uid()),
            changed(before.gid(), now.gid()),
        );
        if owner.is_some() || group.is_some() {
            chown(path, owner, group)?;
        }
    }
    fs::set_permissions(path, before.permissions())
}

#[cfg(test)]
mod tests;
