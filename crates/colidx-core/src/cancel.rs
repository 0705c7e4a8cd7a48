//! A flag that stops long work from another thread.

use crate::ingest::{Phase, Progress};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that stops long work. Clones share it, so one can be kept while another is given away.
///
/// As a [`Progress`] it watches nothing and stops the work once it is set:
///
/// ```
/// use colidx_core::{CancelToken, Progress};
/// let token = CancelToken::new();
/// let kept = token.clone();
/// kept.cancel(); // from another thread, or a signal handler
/// assert!(token.cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop. It cannot be taken back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for CancelToken {
    fn phase(&self, _: Phase, _: Option<u64>) {}

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }
}
