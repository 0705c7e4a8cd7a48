//! Reading vectors while those read before are used.

use super::VectorBatch;
use crate::error::Result;

/// Double buffering: `take` processes one batch in the thread pool while `read` fills the next on
/// this thread. Ends when `read` leaves its batch empty. What `read` filled before an error is
/// still taken.
pub(super) fn read_ahead(
    read: &mut dyn FnMut(&mut VectorBatch) -> Result<()>,
    take: &mut (dyn FnMut(&VectorBatch) -> Result<()> + Send),
) -> Result<()> {
    let (mut batch, mut next) = (VectorBatch::default(), VectorBatch::default());
    loop {
        next.clear();
        let mut taken = Ok(());
        let result = rayon::in_place_scope(|scope| {
            if !batch.lens.is_empty() {
                scope.spawn(|_| taken = take(&batch));
            }
            read(&mut next)
        });
        taken?;
        std::mem::swap(&mut batch, &mut next);
        if let Err(error) = result {
            if !batch.lens.is_empty() {
                // The first error counts.
                let _ = take(&batch);
            }
            return Err(error);
        }
        if batch.lens.is_empty() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// The lengths that are taken when documents of lengths 1, 2, … are read, two at a time, and
    /// reading ends after `of` of them, or fails.
    fn taken(of: u32, fails: bool) -> (Vec<u32>, Result<()>) {
        let (mut read, mut taken) = (0, Vec::new());
        let result = read_ahead(
            &mut |batch| {
                assert!(batch.lens.is_empty());
                while batch.lens.len() < 2 {
                    if read == of {
                        return if fails { Err(Error::Cancelled) } else { Ok(()) };
                    }
                    read += 1;
                    batch.lens.push(read);
                }
                Ok(())
            },
            &mut |batch| {
                taken.extend_from_slice(&batch.lens);
                Ok(())
            },
        );
        (taken, result)
    }

    #[test]
    fn all_that_is_read_is_taken_once_and_in_order() {
        for of in 0..6 {
            for fails in [false, true] {
                let (taken, result) = taken(of, fails);
                assert_eq!(taken, Vec::from_iter(1..=of));
                assert_eq!(result.is_err(), fails);
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_ends_it() {
        let mut reads = 0;
        let result = read_ahead(
            &mut |batch| {
                reads += 1;
                batch.lens.push(reads);
                Ok(())
            },
            &mut |batch| match batch.lens[..] {
                [3] => Err(Error::Cancelled),
                _ => Ok(()),
            },
        );
        assert!(matches!(result, Err(Error::Cancelled)));
        assert_eq!(reads, 4);
    }
}
