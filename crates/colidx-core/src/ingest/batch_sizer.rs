//! How many documents to ask of a source at a time.

/// Expected vectors of a document when none has been seen: more than most have.
const EXPECTED: usize = 512;

/// Sizes batches of documents for a memory budget, by the length of earlier documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchSizer {
    /// Vectors that fit the budget.
    room: usize,
    /// Expected vectors of a document.
    length: usize,
}

impl BatchSizer {
    /// `memory` is for vectors of `dim` values.
    pub(super) fn new(memory: usize, dim: usize) -> Self {
        Self {
            room: memory / (dim.max(1) * size_of::<f32>()),
            length: EXPECTED,
        }
    }

    /// The most documents to take next, at least one.
    pub(super) fn documents(&self) -> usize {
        (self.room / self.length.max(1)).max(1)
    }

    /// Updates the expected length: up at once, down slowly, as long documents come in runs.
    pub(super) fn saw(&mut self, lens: &[u32]) {
        let longest = lens.iter().max().copied().unwrap_or(0) as usize;
        self.length = longest.max(self.length - self.length / 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_documents_come_one_by_one_and_short_ones_together() {
        let mut sizer = BatchSizer::new(4096 * 4 * 2, 2);
        assert_eq!(sizer.documents(), 8);
        for _ in 0..40 {
            sizer.saw(&[30, 0, 40]);
        }
        assert_eq!(sizer.documents(), 4096 / 40);
        sizer.saw(&[9000]);
        assert_eq!(sizer.documents(), 1);
    }
}
