//! Signals that end the program: the first asks to stop and clean up, the second quits at once.
//!
//! A signal sets a flag and writes to a pipe that is never drained. Work polls the flag
//! ([`requested`]). Code that waits for input waits for the pipe too ([`wait`]), so that a signal
//! between the poll and the wait ends the wait.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::CliError;
use crate::output::note;

/// Sent by Ctrl-C, a service manager, and a terminal that was closed.
const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// By convention a program that a signal ended exits with this plus the signal's number.
const STATUS: i32 = 128;

static STATE: OnceLock<SignalState> = OnceLock::new();

/// State shared with the signal handlers.
struct SignalState {
    /// The last signal received, or 0.
    signal: Arc<AtomicUsize>,
    /// Readable once a signal came; the write end is kept so that it never reads as closed.
    #[cfg(unix)]
    pipe: [std::os::unix::net::UnixStream; 2],
}

/// A wait that a signal ended.
#[cfg(unix)]
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Stopped;

/// Installs the handlers. Signals that were ignored at start, as under `nohup`, stay ignored.
///
/// # Errors
/// The system refuses a handler.
pub fn install() -> Result<(), CliError> {
    set_up().map_err(|error| CliError::Setup {
        what: "the handling of signals",
        reason: error.to_string(),
    })
}

fn set_up() -> io::Result<()> {
    let signal = Arc::new(AtomicUsize::new(0));
    let again = Arc::new(AtomicBool::new(false));
    let beginning = Arc::new(AtomicBool::new(true));
    #[cfg(unix)]
    let (pipe, filled) = std::os::unix::net::UnixStream::pair()?;
    let ignored = ignored();
    for &number in SIGNALS.iter().filter(|&&number| !ignored(number)) {
        // Handlers run in this order. A signal during set-up ends the program as by default.
        flag::register_conditional_default(number, Arc::clone(&beginning))?;
        flag::register_conditional_shutdown(number, STATUS + number, Arc::clone(&again))?;
        flag::register(number, Arc::clone(&again))?;
        flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        #[cfg(unix)]
        signal_hook::low_level::pipe::register(number, filled.try_clone()?)?;
    }
    // Each command installs the handlers at most once.
    let _ = STATE.set(SignalState {
        signal,
        #[cfg(unix)]
        pipe: [pipe, filled],
    });
    #[cfg(unix)]
    colidx_data::wait_with(wait);
    beginning.store(false, Ordering::SeqCst);
    // This thread tells at once; if it cannot be started, the next poll does.
    #[cfg(unix)]
    let _ = std::thread::Builder::new().spawn(|| {
        if poll(None).is_err() {
            tell();
        }
    });
    Ok(())
}

/// A test for signals that are ignored.
#[cfg(target_os = "linux")]
fn ignored() -> impl Fn(i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    move |signal| mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Other systems have no safe way to ask.
#[cfg(not(target_os = "linux"))]
fn ignored() -> impl Fn(i32) -> bool {
    |_| false
}

/// Whether a signal asked to stop.
pub fn requested() -> bool {
    let requested = signal() != 0;
    if requested {
        tell();
    }
    requested
}

/// The signal that asked to stop, or 0.
fn signal() -> usize {
    let state = STATE.get();
    state.map_or(0, |state| state.signal.load(Ordering::SeqCst))
}

/// The exit status after a signal.
pub fn status() -> u8 {
    let signal = signal() as i32;
    u8::try_from(STATUS + signal).unwrap_or(u8::MAX)
}

fn tell() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| note("stopping... press Ctrl-C again to quit now"));
}

/// Waits until a file is readable or at its end.
///
/// # Errors
/// A signal asked to stop.
#[cfg(unix)]
pub fn wait(file: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    poll(Some(file))
}

#[cfg(unix)]
fn poll(file: Option<std::os::fd::BorrowedFd<'_>>) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;

    let pipe = STATE.get().map(|state| state.pipe[0].as_fd());
    let mut files: Vec<PollFd<'_>> = pipe
        .into_iter()
        .chain(file)
        .map(|file| PollFd::new(file, PollFlags::POLLIN))
        .collect();
    while let Err(error) = poll(&mut files, PollTimeout::NONE) {
        if error != Errno::EINTR {
            return Err(error.into());
        }
    }
    let stopped = pipe.is_some() && files[0].any() == Some(true);
    if stopped {
        Err(io::Error::other(Stopped))
    } else {
        Ok(())
    }
}
