//! Watching and stopping long work.

/// The phases of a commit, in order, and of other long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Documents are read and stored; counted in documents.
    Read,
    /// A sample of the documents is encoded; counted in documents.
    Sample,
    /// The codebook is trained on the sample, and a large one gets its graph of centroids; counted
    /// in comparisons of a vector with a centroid.
    Train,
    /// All documents are encoded and compressed; counted in documents.
    Encode,
    /// Posting lists are made; not counted.
    Postings,
    /// Segments are merged; counted in documents.
    Merge,
    /// Searches are compared with exact ones; counted in queries.
    Measure,
    /// Files are made durable and the manifest is put in place; not counted.
    Commit,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Sample => "sample",
            Self::Train => "train",
            Self::Encode => "encode",
            Self::Postings => "postings",
            Self::Merge => "merge",
            Self::Measure => "measure",
            Self::Commit => "commit",
        })
    }
}

/// Watches long work, and may stop it.
pub trait Progress: Sync {
    /// A phase begins, with its length where known. Called again for the running phase when its
    /// length becomes known or is estimated again.
    fn phase(&self, phase: Phase, total: Option<u64>);

    /// The running phase resumes at `done`, where an unfinished build stopped.
    fn resume(&self, done: u64) {
        self.advance(done);
    }

    /// The running phase has reached `done`.
    fn advance(&self, done: u64);

    /// Asked often; after `true` the work stops with [`crate::Error::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _: Phase, _: Option<u64>) {}

    fn advance(&self, _: u64) {}
}
