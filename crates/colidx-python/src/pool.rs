//! The threads that everything runs on: a rayon pool of this module's own.
//!
//! A forked process has none of its parent's threads, and rayon would wait for them for ever. So
//! the pool is remembered with the id of its process, and another process starts another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::exception;

/// The pool and the process that its threads run in.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Threads of the next pool; 0 for the default.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The pool of this process. The interpreter is held all the while, so no Python thread can fork
/// while the lock is taken.
pub fn pool(_: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut current = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    match current.take() {
        Some((owner, pool)) if owner == process => {
            *current = Some((owner, Arc::clone(&pool)));
            return Ok(pool);
        }
        // After a fork its threads are not in this process, so it cannot be ended.
        inherited => std::mem::forget(inherited),
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(wanted())
        .thread_name(|number| format!("colidx-{number}"))
        // Work that is left to itself must not end the process; who waits gets no result.
        .panic_handler(|_| {})
        .build()
        .map_err(|error| exception("StorageError", format!("cannot start threads: {error}")))?;
    let pool = Arc::new(pool);
    *current = Some((process, Arc::clone(&pool)));
    Ok(pool)
}

fn wanted() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => colidx_threads::count(),
        count => count.min(colidx_threads::MOST),
    }
}

/// The number of threads that colidx computes on.
#[pyfunction]
pub fn threads() -> usize {
    wanted()
}

/// Sets the number of threads that colidx computes on; `None` for one a core, or what
/// `RAYON_NUM_THREADS` says. What runs already stays on its threads.
#[pyfunction]
pub fn set_threads(count: Option<usize>) -> PyResult<()> {
    if count == Some(0) {
        let message = "threads: expected at least 1, or None for one a core; got 0";
        return Err(exception("OptionError", message));
    }
    THREADS.store(count.unwrap_or(0), Ordering::Relaxed);
    let mut current = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, pool)) = current.take()
        && owner != std::process::id()
    {
        std::mem::forget(pool);
    }
    Ok(())
}
