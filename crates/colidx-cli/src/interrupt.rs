//! Signals that ask to end: the first asks to stop and clean up, the second stops at once.
//!
//! A signal sets a flag and fills a pipe, which nobody empties. Work looks at the flag ([`requested`]). Whoever waits for input
//! waits for the pipe with it ([`wait`]), so that a signal between a look and a wait ends the wait too.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::CliError;
use crate::output::note;

/// What asks to end: Ctrl-C, a service manager, and a terminal that was closed.
const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// By convention the exit status of a program that a signal ended is the signal's number and this.
const STATUS: i32 = 128;

static STATE: OnceLock<SignalState> = OnceLock::new();

/// What signals change.
struct SignalState {
    /// The last one that came, or 0.
    signal: Arc<AtomicUsize>,
    /// Full from the first one on, and its other end, without which it would be at its end.
    #[cfg(unix)]
    pipe: [std::os::unix::net::UnixStream; 2],
}

/// A wait that a signal has ended.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Stopped;

/// From now on the signals that ask to end only ask. Those that were ignored when the program began, as `nohup` and shells
/// do it for programs that are to outlive them, stay ignored.
///
/// # Errors
/// The system takes no handler.
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
        // They act in this order. One that comes while they are being set up ends the program as if they were not.
        flag::register_conditional_default(number, Arc::clone(&beginning))?;
        flag::register_conditional_shutdown(number, STATUS + number, Arc::clone(&again))?;
        flag::register(number, Arc::clone(&again))?;
        flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        #[cfg(unix)]
        signal_hook::low_level::pipe::register(number, filled.try_clone()?)?;
    }
    // Set once: every command does this once.
    let _ = STATE.set(SignalState {
        signal,
        #[cfg(unix)]
        pipe: [pipe, filled],
    });
    #[cfg(unix)]
    colidx_data::wait_with(wait);
    beginning.store(false, Ordering::SeqCst);
    // Says so at once. Where no thread can be started, whoever looks next does.
    #[cfg(unix)]
    let _ = std::thread::Builder::new().spawn(|| {
        if poll(None).is_err() {
            tell();
        }
    });
    Ok(())
}

/// Tells which signals are ignored.
#[cfg(target_os = "linux")]
fn ignored() -> impl Fn(i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    move |signal| mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Elsewhere nothing that is safe tells.
#[cfg(not(target_os = "linux"))]
fn ignored() -> impl Fn(i32) -> bool {
    |_| false
}

/// Whether someone asked to stop.
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

/// The exit status of a program that stopped because it was asked to.
pub fn status() -> u8 {
    let signal = signal() as i32;
    u8::try_from(STATUS + signal).unwrap_or(u8::MAX)
}

fn tell() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| note("stopping; once more to stop at once"));
}

/// Waits until something can be read from a file, or its end is there.
///
/// # Errors
/// Someone asked to stop.
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
