//! Ctrl-C: the first asks to stop and clean up, the second stops at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;
use crate::output::note;

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of a program that an interrupt ended at once.
const KILLED: i32 = 130;

/// From now on Ctrl-C, and the termination signal, only ask to stop.
///
/// # Errors
/// The system takes no handler.
pub fn install() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(KILLED);
        }
        note("stopping; once more to stop at once");
    })
    .map_err(|error| CliError::Setup {
        what: "the Ctrl-C handler",
        reason: error.to_string(),
    })
}

/// Whether someone asked to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
