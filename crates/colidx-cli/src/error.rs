//! Every way a command can fail, and the exit status it gives.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use colidx::TextError;
use colidx::corpus::IngestError;

use crate::output::OutputError;
use colidx_data::embeddings::EmbeddingsError;
use colidx_data::{EvaluationError, InputError, RunError};

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
    /// A measurement of nothing.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
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
    /// An index and a checkpoint that do not come together.
    #[error("{error}{hint}", error = .0, hint = hint(.0))]
    Text(Box<TextError>),
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
    #[error(transparent)]
    Ingest(IngestError),
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

/// The flag that does what an error advises.
fn hint(error: &TextError) -> &'static str {
    match error {
        TextError::ModelMoved { .. }
        | TextError::WrongModel { .. }
        | TextError::WrongDimension { .. } => " (--model)",
        TextError::NoModelRecorded { .. } => {
            " (--model; --query-embeddings to search, --embeddings to add)"
        }
        _ => "",
    }
}

impl From<TextError> for CliError {
    fn from(error: TextError) -> CliError {
        match error {
            TextError::Index(error) => CliError::Index(error),
            TextError::Encoder(error) => CliError::Encoder(error),
            TextError::Hub(error) => CliError::Hub(error),
            error @ TextError::OtherSetting { .. } => CliError::Usage(error.to_string()),
            error => CliError::Text(Box::new(error)),
        }
    }
}

impl From<IngestError> for CliError {
    fn from(error: IngestError) -> CliError {
        match error {
            IngestError::Input(error) => CliError::Input(error),
            IngestError::Embeddings(error) => CliError::Embeddings(error),
            IngestError::Cancelled => CliError::Index(colidx::Error::Cancelled),
            error => CliError::Ingest(error),
        }
    }
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

/// The flags and commands that answer an error of the engine.
fn hint(error: &colidx::Error) -> &'static str {
    match error {
        colidx::Error::NotAnIndex {
            unfinished: true, ..
        } => "resume the build with `colidx build ... --resume`",
        colidx::Error::NotAnIndex { .. } => "make one with `colidx build CORPUS --index DIR`",
        colidx::Error::AlreadyExists { .. } => "pass --force to replace it",
        colidx::Error::Unfinished { .. } => "pass --resume to resume it, or --force to start over",
        colidx::Error::OtherBuild { .. } => "pass --force without --resume to start over",
        colidx::Error::ManifestMissing { .. } | colidx::Error::DamagedJournal { .. } => {
            "pass --force to `colidx build` to replace what is there"
        }
        colidx::Error::Memory { .. } => "raise the limit (--memory)",
        colidx::Error::NoTokenIds => "put `token_ids.npy` beside the vectors",
        _ => "",
    }
}

impl CliError {
    /// What to tell beside the error, in lines of their own: nothing in most cases.
    pub fn advice(&self) -> &str {
        match self {
            CliError::Unfinished { kept, .. } => kept,
            CliError::Index(error) => hint(error),
            CliError::Document { source, .. } => hint(source),
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
