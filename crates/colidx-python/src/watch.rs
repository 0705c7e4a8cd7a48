//! Runs work on the pool without the interpreter, while the calling thread looks after Ctrl-C and
//! shows progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use colidx::text::Download;
use colidx::{CancelToken, Phase, Progress};
use pyo3::prelude::*;

use crate::pool::pool;

/// Time between two looks at signals and progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// What work tells the thread that waits for it.
enum Event {
    /// A phase begins, or its length is known better, once the callback has been called for it, so
    /// that the callback can prevent it: then the sender is dropped.
    Phase(String, Option<u64>, Sender<()>),
    End,
}

/// Watches work, and stops it when the caller asks.
pub struct Watch {
    cancel: CancelToken,
    events: Sender<Event>,
    done: AtomicU64,
    has_callback: bool,
}

impl Watch {
    fn new(events: Sender<Event>, has_callback: bool) -> Watch {
        Watch {
            cancel: CancelToken::new(),
            events,
            done: AtomicU64::new(0),
            has_callback,
        }
    }

    /// Set when the work is to stop.
    pub fn token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// A phase that is not one of the engine's begins.
    pub fn begin(&self, name: &str, total: Option<u64>) {
        if self.has_callback {
            let (told, wait) = channel();
            let phase = Event::Phase(name.to_owned(), total, told);
            // Fails where nobody listens, and then there is nothing to wait for.
            let _ = self.events.send(phase).map(|()| wait.recv());
        }
    }
}

impl Progress for Watch {
    fn phase(&self, phase: Phase, total: Option<u64>) {
        self.begin(&phase.to_string(), total);
    }

    fn advance(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Shows each download from the hub as a phase.
pub struct Downloads<'a> {
    watch: &'a Watch,
    done: u64,
}

impl<'a> Downloads<'a> {
    /// None has begun.
    pub fn new(watch: &'a Watch) -> Downloads<'a> {
        Downloads { watch, done: 0 }
    }
}

impl Download for Downloads<'_> {
    fn file(&mut self, name: &str, bytes: u64) {
        self.done = 0;
        self.watch.begin(&format!("download {name}"), Some(bytes));
    }

    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        self.watch.advance(self.done);
    }

    fn cancelled(&self) -> bool {
        Progress::cancelled(self.watch)
    }
}

/// Tells that the work has ended, also when it panics.
struct End(Sender<Event>);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.send(Event::End);
    }
}

/// The running phase as last passed to the callback.
struct Listener {
    callback: Option<Py<PyAny>>,
    phase: Option<(String, Option<u64>)>,
    told: Option<u64>,
}

impl Listener {
    fn new(callback: Option<Py<PyAny>>) -> Listener {
        Listener {
            callback,
            phase: None,
            told: None,
        }
    }

    /// Tells the callback how far the last phase came, and of the next one.
    fn begin(&mut self, name: String, total: Option<u64>, done: &AtomicU64) -> PyResult<()> {
        let ended = self.phase.as_ref().is_some_and(|(last, _)| *last != name);
        if ended {
            self.look(done)?;
            // The work waits, so nothing is lost.
            done.store(0, Ordering::Relaxed);
        }
        self.phase = Some((name, total));
        self.told = None;
        self.look(done)
    }

    /// Lets a pending signal raise, and tells the callback how far the phase is.
    fn look(&mut self, done: &AtomicU64) -> PyResult<()> {
        let done = done.load(Ordering::Relaxed);
        Python::attach(|py| {
            py.check_signals()?;
            if let (Some(callback), Some((name, total))) = (&self.callback, &self.phase)
                && self.told != Some(done)
            {
                self.told = Some(done);
                callback.call1(py, (name, done, *total))?;
            }
            Ok(())
        })
    }
}

/// What becomes of work that is to stop.
#[derive(Clone, Copy, PartialEq)]
enum Stop {
    /// It is waited for.
    Wait,
    /// It is left to itself.
    Leave,
}

impl Listener {
    /// Listens until the work ends, or is cancelled and abandoned. What a signal or the callback
    /// raises stops the work.
    fn listen(mut self, inbox: Receiver<Event>, watch: &Watch, stop: Stop) -> PyResult<()> {
        let mut raised = Ok(());
        loop {
            // The sender of a phase waits until this is dropped.
            let (seen, _told) = match inbox.recv_timeout(INTERVAL) {
                Ok(Event::End) => return raised.and_then(|()| self.look(&watch.done)),
                Ok(Event::Phase(name, total, told)) => {
                    (self.begin(name, total, &watch.done), Some(told))
                }
                Err(_) => (self.look(&watch.done), None),
            };
            if raised.is_ok() && seen.is_err() {
                watch.cancel.cancel();
                self.callback = None;
                raised = seen;
                if stop == Stop::Leave {
                    return raised;
                }
            }
        }
    }
}

/// Runs `work` on the pool and waits for it. `callback(phase, done, total)` is called on this
/// thread, where signals arrive too. What either raises stops the work, and is returned once the
/// work has ended.
pub fn run<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&Watch) -> T + Send,
) -> PyResult<T> {
    let pool = pool(py)?;
    let (events, inbox) = channel();
    let watch = Watch::new(events, callback.is_some());
    let listener = Listener::new(callback);
    let mut result = None;
    py.detach(|| {
        let (inbox, listener) = (inbox, listener);
        pool.in_place_scope(|scope| {
            scope.spawn(|_| {
                let _end = End(watch.events.clone());
                result = Some(work(&watch));
            });
            listener.listen(inbox, &watch, Stop::Wait)
        })
    })?;
    result.ok_or_else(no_result)
}

/// As [`run`], for work that may wait for another machine: what is raised is returned at once, and
/// the work ends when it next looks.
pub fn run_or_leave<T: Send + 'static>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&Watch) -> T + Send + 'static,
) -> PyResult<T> {
    let pool = pool(py)?;
    let (events, inbox) = channel();
    let watch = Arc::new(Watch::new(events, callback.is_some()));
    let listener = Listener::new(callback);
    let (give, take) = channel();
    let watched = Arc::clone(&watch);
    pool.spawn(move || {
        let _end = End(watched.events.clone());
        // Fails where nobody waits any more.
        let _ = give.send(work(&watched));
    });
    py.detach(|| {
        let inbox = inbox;
        listener.listen(inbox, &watch, Stop::Leave)
    })?;
    take.try_recv().map_err(|_| no_result())
}

fn no_result() -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err("the work gave no result")
}
