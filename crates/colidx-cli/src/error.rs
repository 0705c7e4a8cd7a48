//! Every way a command can fail, and the exit status it gives.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::output::OutputError;
use colidx_data::InputError;
use colidx_data::RunError;
use colidx_data::embeddings::EmbeddingsError;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The engine's.
    #[error(transparent)]
    Index(#[from] colidx::Error),
    /// The checkpoint's.
    #[error(transparent)]
    Encoder(#[from] colidx_encoder::EncoderError),
    /// The model hub's.
    #[error(transparent)]
    Hub(#[from] colidx_encoder::hub::HubError),
    /// A corpus, queries or judgements.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Vectors in .npy files.
    #[error(transparent)]
    Embeddings(#[from] EmbeddingsError),
    /// A run that cannot be written in its format.
    #[error(transparent)]
    Run(RunError),
    /// Query vectors that do not belong to the queries.
    #[error("{} holds {vectors} queries, but {} holds {texts}; give the vectors of these queries", embeddings.display(), queries.display())]
    QueryCount {
        /// The file of vectors.
        embeddings: PathBuf,
        /// Queries in it.
        vectors: u64,
        /// The file of queries.
        queries: PathBuf,
        /// Queries in it.
        texts: usize,
    },
    /// Flags that do not go together, beyond what the parser sees.
    #[error("{0}")]
    Usage(String),
    /// The environment chooses kernels that there are not.
    #[error(transparent)]
    Kernels(#[from] colidx_kernels::UnknownIsa),
    /// A checkpoint that is not where it should be.
    #[error("no checkpoint at {}: {reason}", path.display())]
    NoModel {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing, and what to do.
        reason: String,
    },
    /// An index of vectors was asked with text.
    #[error(
        "{} was built from vectors and names no checkpoint; pass --model with the checkpoint that made the vectors, \
         or give vectors: --query-embeddings to search, --embeddings to add", index.display()
    )]
    NoModelRecorded {
        /// The index.
        index: PathBuf,
    },
    /// Another checkpoint than the one that made the index.
    #[error(
        "the checkpoint at {} is not the one that made {}: its fingerprint is {got}, the index expects {expected}; \
         pass the right one with --model", model.display(), index.display()
    )]
    WrongModel {
        /// The checkpoint.
        model: PathBuf,
        /// The index.
        index: PathBuf,
        /// The fingerprint in the index.
        expected: String,
        /// The fingerprint of the checkpoint.
        got: String,
    },
    /// A checkpoint whose vectors cannot be compared with those of the index.
    #[error(
        "the checkpoint at {} makes vectors of dimension {got}, {} holds vectors of dimension {expected}; \
         pass the right one with --model", model.display(), index.display()
    )]
    WrongDimension {
        /// The checkpoint.
        model: PathBuf,
        /// The index.
        index: PathBuf,
        /// Of the index.
        expected: usize,
        /// Of the checkpoint.
        got: usize,
    },
    /// A document whose key the index has.
    #[error(
        "{place}: the index already has a document with the key `{key}`; pass --replace to put this one in its place"
    )]
    KeyExists {
        /// File and line.
        place: String,
        /// The key.
        key: String,
    },
    /// A document of the corpus that the index does not take.
    #[error("{place}: {source}")]
    Document {
        /// File and line.
        place: String,
        /// Why.
        source: Box<colidx::Error>,
    },
    /// A file that the person named.
    #[error(transparent)]
    Output(OutputError),
    /// Standard output.
    #[error("cannot write {file}: {source}; check that it has space")]
    Write {
        /// What it is called.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The reader of standard output went away: no failure.
    #[error("standard output was closed")]
    BrokenPipe,
    /// A build that failed on the way.
    #[error("{source}")]
    Unfinished {
        /// Why.
        source: Box<CliError>,
        /// What is kept, and how to go on.
        kept: String,
    },
    /// A signal asked to stop, and in the first line what became of the work.
    #[error("interrupted; {}", .0.lines().next().unwrap_or_default())]
    Interrupted(String),
    /// The machine gave no threads, terminal or signal handler.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// What was being set up.
        what: &'static str,
        /// The reason given.
        reason: String,
    },
    /// `verify` found damage, which it has already described.
    #[error("{} is damaged; restore it from a copy or build it again", index.display())]
    Damaged {
        /// The index.
        index: PathBuf,
    },
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> CliError {
        match error {
            RunError::Io(source) if source.kind() == io::ErrorKind::BrokenPipe => {
                CliError::BrokenPipe
            }
            error => CliError::Run(error),
        }
    }
}

impl From<OutputError> for CliError {
    fn from(error: OutputError) -> CliError {
        if error.is_broken_pipe() {
            CliError::BrokenPipe
        } else {
            CliError::Output(error)
        }
    }
}

impl CliError {
    /// What to tell beside the error, in lines of their own: nothing in most cases.
    pub fn advice(&self) -> &str {
        match self {
            CliError::Unfinished { kept, .. } => kept,
            CliError::Interrupted(what) => what.split_once('\n').map_or("", |(_, rest)| rest),
            _ => "",
        }
    }

    /// 0 for a reader that went away, 2 for wrong usage, for a signal that asked to stop its number and 128, 1 for everything
    /// else.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            CliError::BrokenPipe => ExitCode::SUCCESS,
            CliError::Usage(_) | CliError::Kernels(_) => ExitCode::from(2),
            CliError::Interrupted(_) => ExitCode::from(crate::interrupt::status()),
            _ => ExitCode::FAILURE,
        }
    }
}
