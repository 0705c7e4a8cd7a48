//! Buffers kept from one search to the next: to allocate and clear large ones anew would cost more
//! than a search. Buffers that one huge query has grown are given back.

use super::readahead::ReadAhead;
use super::tuning::LARGEST_KEPT_BUFFER;
use super::{candidates, exact, partial_maxsim};
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// A buffer that can be kept, and knows how much memory it holds.
pub(super) trait Reusable: Default {
    /// The bytes it holds, filled or not.
    fn bytes(&self) -> usize;
}

impl<T> Reusable for Vec<T> {
    fn bytes(&self) -> usize {
        self.capacity() * size_of::<T>()
    }
}

/// What the searches of an index keep for each other: buffers, and whether to read ahead.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) centroid_scores: Pool<Vec<i16>>,
    pub(super) candidates: Pool<candidates::Buffers>,
    pub(super) partial: Pool<partial_maxsim::Batches>,
    pub(super) exact: Pool<exact::Buffers>,
    pub(super) readahead: ReadAhead,
}

/// Buffers that no search is using.
#[derive(Debug, Default)]
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
}

impl<T: Reusable> Pool<T> {
    /// A buffer as a search left it, or a new one.
    pub(super) fn take(&self) -> Pooled<'_, T> {
        let free = self.free.lock().unwrap_or_else(|e| e.into_inner()).pop();
        Pooled {
            pool: self,
            buffer: free.unwrap_or_default(),
        }
    }
}

/// A buffer in use, which goes back to its pool when it is dropped.
pub(super) struct Pooled<'a, T: Reusable> {
    pool: &'a Pool<T>,
    buffer: T,
}

impl<T: Reusable> Deref for Pooled<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.buffer
    }
}

impl<T: Reusable> DerefMut for Pooled<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.buffer
    }
}

impl<T: Reusable> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        // A panic may have left it half-filled.
        if std::thread::panicking() || self.buffer.bytes() > LARGEST_KEPT_BUFFER {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let mut free = self.pool.free.lock().unwrap_or_else(|e| e.into_inner());
        free.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_kept_unless_it_is_huge() {
        let pool: Pool<Vec<u8>> = Pool::default();
        pool.take().resize(LARGEST_KEPT_BUFFER, 0);
        assert_eq!(pool.take().capacity(), LARGEST_KEPT_BUFFER);
        pool.take().reserve_exact(LARGEST_KEPT_BUFFER + 1);
        assert_eq!(pool.take().capacity(), 0);
        // As many are kept as were in use at once.
        let both = [pool.take(), pool.take()];
        drop(both);
        assert_eq!(pool.free.lock().unwrap().len(), 2);
    }
}
