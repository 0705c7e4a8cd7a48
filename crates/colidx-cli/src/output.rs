//! Standard output for results, standard error for everything else.

use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::CliError;

/// Standard output. A reader that went away is [`CliError::BrokenPipe`], which ends the program in silence.
pub struct Stdout {
    inner: BufWriter<StdoutLock<'static>>,
}

impl Stdout {
    /// Takes standard output.
    pub fn lock() -> Stdout {
        Stdout {
            inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
        }
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.inner.write_all(text.as_bytes()).map_err(stdout_error)
    }

    /// Writes text and a line break.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.text(text)?;
        self.text("\n")
    }

    /// Writes one JSON object on a line of its own.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let line = serde_json::to_string(value).map_err(|error| stdout_error(error.into()))?;
        self.line(&line)
    }

    /// Hands everything over to the reader.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.inner.flush().map_err(stdout_error)
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn stdout_error(source: io::Error) -> CliError {
    if source.kind() == io::ErrorKind::BrokenPipe {
        CliError::BrokenPipe
    } else {
        CliError::Write {
            file: "standard output".to_owned(),
            source,
        }
    }
}

/// A file of results that appears under its name only when it is whole.
pub struct OutputFile {
    path: PathBuf,
    part: PathBuf,
    inner: Option<BufWriter<File>>,
}

impl OutputFile {
    /// Begins to write `path`. What is not a regular file (`/dev/stdout`, a pipe) is written in place.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> Result<OutputFile, CliError> {
        let special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        let part = if special {
            path.to_owned()
        } else {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.part", std::process::id()));
            path.with_file_name(name)
        };
        let file = if special {
            File::options().write(true).open(&part)
        } else {
            File::create(&part)
        };
        let file = file.map_err(|source| CliError::Write {
            file: path.display().to_string(),
            source,
        })?;
        Ok(OutputFile {
            path: path.to_owned(),
            part,
            inner: Some(BufWriter::with_capacity(1 << 16, file)),
        })
    }

    /// Finishes the file and gives it its name.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be renamed.
    pub fn finish(mut self) -> Result<(), CliError> {
        let done = self.close();
        done.map_err(|source| CliError::Write {
            file: self.path.display().to_string(),
            source,
        })
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(mut inner) = self.inner.take() {
            let closed = inner.flush().and_then(|()| {
                if self.part == self.path {
                    Ok(())
                } else {
                    std::fs::rename(&self.part, &self.path)
                }
            });
            if closed.is_err() {
                self.discard();
            }
            return closed;
        }
        Ok(())
    }

    fn discard(&self) {
        if self.part != self.path {
            // The failure that led here is the one to report.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.inner {
            Some(inner) => inner.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.inner.take().is_some() {
            self.discard();
        }
    }
}

/// Tells the person something, on standard error; nobody listening is no failure.
pub fn note(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.trec");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"line\n").unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);

        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"line\n").unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"line\n");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
