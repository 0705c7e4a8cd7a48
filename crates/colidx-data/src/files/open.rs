//! Opens files for reading. A program that handles signals says how a read waits for a pipe
//! ([`wait_with`]).

use std::fs::File;
use std::io::{self, Read};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
static WAIT: OnceLock<Wait> = OnceLock::new();

/// Returns when a descriptor can be read, or with an error when the read is to end.
#[cfg(unix)]
pub type Wait = fn(BorrowedFd<'_>) -> io::Result<()>;

/// Sets how reads of pipes, terminals and standard input wait, for the whole process; the first
/// call counts. Without it they block until there is something to read.
#[cfg(unix)]
pub fn wait_with(wait: Wait) {
    WAIT.get_or_init(|| wait);
}

/// Opens a file without waiting: to open a pipe is else to wait for somebody who writes to it.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK);
    options.read(true).open(path)
}

/// Waits until a descriptor can be read: files are opened without blocking, so that a read alone
/// may not wait.
#[cfg(unix)]
fn readable(file: BorrowedFd<'_>) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut files = [PollFd::new(file, PollFlags::POLLIN)];
    while let Err(error) = poll(&mut files, PollTimeout::NONE) {
        if error != Errno::EINTR {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Standard input.
#[cfg(unix)]
pub(crate) fn standard_input() -> io::Result<Waiting> {
    // Not through the buffer of `Stdin`, of which the system could not say whether it holds
    // something.
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
            match WAIT.get() {
                Some(wait) => wait(self.0.as_fd())?,
                None => readable(self.0.as_fd())?,
            }
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
