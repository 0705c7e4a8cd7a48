//! The guard of the only writer, which notices when it no longer is the only one.
//!
//! The lock is a file, and anyone who can write to the directory can remove it as stale, replace
//! the directory, or commit without it. So a writer checks it before every change, and again at the
//! commit.

use super::{Directory, LOCK, LockGuard, Storage};
use crate::error::{Conflict, Error, Result};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes at the end of a watched file that tell it from others: those of a frame's footer, which
/// covers all of it.
const TAIL: usize = 64;

/// The lock of a directory, and what the directory was when it was taken.
#[derive(Debug)]
pub(super) struct Guard {
    /// Pinned, so that it stays with the directory that was locked.
    storage: Arc<dyn Storage>,
    /// Name of the file that only the holder of the lock may replace.
    watched: &'static str,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    held: Box<dyn LockGuard>,
    seen: Option<Fingerprint>,
    /// What the holder of the lock has begun to put in place: after a failure either may be there.
    next: Option<Fingerprint>,
}

/// Length and last bytes of a file.
type Fingerprint = (usize, Vec<u8>);

impl Guard {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        held: Box<dyn LockGuard>,
        watched: &'static str,
    ) -> io::Result<Self> {
        let seen = fingerprint(&*storage, watched)?;
        Ok(Self {
            state: Mutex::new(State {
                held,
                seen,
                next: None,
            }),
            storage,
            watched,
        })
    }

    /// Fails when the lock is another's, or another has replaced the watched file: what has the
    /// name of a file of ours may then be a committed one of theirs. A lock file that was removed,
    /// with nobody in its place and nothing committed meanwhile, is made again. A directory that
    /// has moved can still be written to: what is kept there is not lost.
    pub(super) fn check(&self) -> Result<()> {
        let mut state = self.state();
        self.ask(&mut state)?;
        self.ask_unchanged(&mut state)
    }

    /// As [`Guard::check`], and fails when the directory has moved.
    pub(super) fn check_commit(&self) -> Result<()> {
        self.check()?;
        if !self.storage.is_current().map_err(|e| self.io(e))? {
            return Err(self.conflict(Conflict::Moved));
        }
        Ok(())
    }

    /// The holder of the lock is about to replace the watched file.
    fn begin(&self, with: &str) -> Result<()> {
        let next = fingerprint(&*self.storage, with).map_err(|e| self.io(e))?;
        self.state().next = next;
        Ok(())
    }

    /// It has.
    fn end(&self) {
        let mut state = self.state();
        state.seen = state.next.take();
    }

    fn ask(&self, state: &mut State) -> Result<()> {
        if state.held.is_held().map_err(|e| self.io(e))? {
            return Ok(());
        }
        let again = self.storage.lock(LOCK).map_err(|e| self.io(e))?;
        state.held = again.ok_or_else(|| self.conflict(Conflict::Locked))?;
        self.ask_unchanged(state)
    }

    fn ask_unchanged(&self, state: &mut State) -> Result<()> {
        let now = fingerprint(&*self.storage, self.watched).map_err(|e| self.io(e))?;
        if now == state.seen || now.is_some() && now == state.next {
            state.seen = now;
            return Ok(());
        }
        Err(self.conflict(Conflict::Committed))
    }

    fn conflict(&self, found: Conflict) -> Error {
        Error::Conflict {
            path: self.storage.path().to_path_buf(),
            found,
        }
    }

    fn io(&self, error: io::Error) -> Error {
        Error::io("cannot check the lock of", self.storage.path())(error)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fingerprint(storage: &dyn Storage, name: &str) -> io::Result<Option<Fingerprint>> {
    match storage.map(name) {
        Ok(bytes) => {
            let tail = bytes[bytes.len().saturating_sub(TAIL)..].to_vec();
            Ok(Some((bytes.len(), tail)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Directory {
    /// Takes the writer's lock without waiting. The handle that is returned stays with the
    /// directory that was locked, and its changes fail once the lock is lost. The lock is given
    /// back with the last of its clones. Only the holder of the lock may replace the file
    /// `watched`.
    pub(crate) fn lock(&self, watched: &'static str) -> Result<Self> {
        let pinned = self.pinned()?;
        let taken = pinned.storage.lock(LOCK);
        let path = self.file_path(LOCK);
        let Some(held) = taken.map_err(Error::io("cannot lock", &path))? else {
            return Err(Error::Locked {
                path: self.path().to_path_buf(),
            });
        };
        let guard = Guard::new(Arc::clone(&pinned.storage), held, watched);
        let guard = guard.map_err(Error::io("cannot read", &self.file_path(watched)))?;
        Ok(Self {
            guard: Some(Arc::new(guard)),
            ..pinned
        })
    }

    /// Fails when this is not the writer's handle any more; others have nothing to lose.
    pub(super) fn check_guard(&self) -> Result<()> {
        self.guard.as_ref().map_or(Ok(()), |guard| guard.check())
    }

    /// As every change does, and fails when another has committed.
    pub(crate) fn check_commit(&self) -> Result<()> {
        let guard = self.guard.as_ref();
        guard.map_or(Ok(()), |guard| guard.check_commit())
    }

    /// Replaces the watched file by a finished, synced one, atomically, and returns when that is
    /// durable.
    pub(crate) fn commit(&self, with: &str, watched: &'static str) -> Result<()> {
        // Files that the new one names must be durable first.
        self.sync()?;
        self.check_commit()?;
        if let Some(guard) = &self.guard {
            guard.begin(with)?;
        }
        self.put_in_place(with, watched)?;
        if let Some(guard) = &self.guard {
            guard.end();
        }
        Ok(())
    }
}
