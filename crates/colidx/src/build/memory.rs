//! How the memory of a build is shared out.

/// The bytes that a build may hold.
pub(super) struct Memory {
    total: usize,
}

impl Memory {
    pub(super) fn new(total: usize) -> Self {
        Self { total }
    }

    /// For vectors of a batch of documents.
    pub(super) fn batch(&self) -> usize {
        self.total / 16
    }

    /// For rows of the sample on their way to the file.
    pub(super) fn chunks(&self) -> usize {
        self.total / 16
    }

    /// For parts of the sample that are trained at a time.
    pub(super) fn parts(&self) -> usize {
        self.total / 4
    }
}
