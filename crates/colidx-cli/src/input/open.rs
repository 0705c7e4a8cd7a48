//! Opening what is to be read: nothing that is waited for outlasts a signal ([`interrupt`](crate::interrupt)).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a file without waiting: to open a pipe is else to wait for somebody who writes to it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK);
    options.read(true).open(path)
}

/// Standard input.
#[cfg(unix)]
pub(crate) fn standard_input() -> io::Result<Waiting> {
    use std::os::fd::AsFd;
    // Not through the buffer of `Stdin`, of which the system could not say whether it holds something.
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(Waiting(input.into()))
}

/// Standard input.
#[cfg(not(unix))]
pub(crate) fn standard_input() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

/// A file, a pipe or a terminal whose reads end with an error when someone asks to stop.
pub(crate) struct Waiting(pub(crate) File);

impl Read for Waiting {
    #[cfg(unix)]
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            crate::interrupt::wait(&self.0)?;
            match self.0.read(out) {
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    #[cfg(not(unix))]
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}
