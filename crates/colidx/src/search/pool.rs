//! Buffers kept from one search to the next: made anew, large ones would cost more than a search.

use super::{candidates, exact, near};
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// The buffers of an index's searches.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    pub(super) tables: Pool<Vec<i16>>,
    pub(super) candidates: Pool<candidates::Scratch>,
    pub(super) near: Pool<near::Groups>,
    pub(super) exact: Pool<exact::Buffers>,
}

/// Those that no search is using.
#[derive(Debug, Default)]
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
}

impl<T: Default> Pool<T> {
    /// One as it was left, or a new one.
    pub(super) fn take(&self) -> Pooled<'_, T> {
        let free = self.free.lock().unwrap_or_else(|e| e.into_inner()).pop();
        Pooled {
            pool: self,
            buffer: free.unwrap_or_default(),
        }
    }
}

/// One in use, which goes back when it is dropped.
pub(super) struct Pooled<'a, T: Default> {
    pool: &'a Pool<T>,
    buffer: T,
}

impl<T: Default> Deref for Pooled<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.buffer
    }
}

impl<T: Default> DerefMut for Pooled<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.buffer
    }
}

impl<T: Default> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        // What was left half way is not for others.
        if std::thread::panicking() {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let mut free = self.pool.free.lock().unwrap_or_else(|e| e.into_inner());
        free.push(buffer);
    }
}
