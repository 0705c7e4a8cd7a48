//! Errors of commands, and their exit statuses.

mod eval;
mod hints;
mod place;

pub use eval::EvalError;
pub use place::{Kind, PlaceError};

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use colidx::TextError;
use colidx::corpus::IngestError;
use colidx::import::ImportError;

use colidx_data::InputError;
use colidx_data::OutputError;
use colidx_data::RunError;
use colidx_data::embeddings::EmbeddingsError;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The engine failed.
    #[error("{error}{hint}", error = .0, hint = hints::index(.0))]
    Index(#[from] colidx::Error),
    /// The checkpoint failed.
    #[error(transparent)]
    Encoder(#[from] colidx_encoder::EncoderError),
    /// The model hub failed.
    #[error(transparent)]
    Hub(#[from] colidx_encoder::hub::HubError),
    /// A corpus, query file or judgements file is bad.
    #[error("{error}{hint}", error = .0, hint = hints::input(.0))]
    Input(#[from] InputError),
    /// Texts to rerank are bad.
    #[error("{error}{hint}", error = .0, hint = hints::texts(.0))]
    Texts(InputError),
    /// A .npy file is bad.
    #[error("{error}{hint}", error = .0, hint = hints::embeddings(.0))]
    Embeddings(#[from] EmbeddingsError),
    /// An index cannot be written in another form.
    #[error("{0}")]
    Export(Box<colidx::export::ExportError>),
    /// The index of another engine cannot be read.
    #[error("{error}{hint}", error = .0, hint = hints::import(.0))]
    Import(Box<ImportError>),
    /// A run cannot be written.
    #[error(transparent)]
    Run(RunError),
    /// An index has nothing to measure.
    #[error("{} has no documents, so that there is nothing to measure; add some", .0.display())]
    NoDocuments(PathBuf),
    /// Every query of a file is empty.
    #[error("all queries ({0}) are empty; give each at least one word")]
    EmptyQueries(usize),
    /// An evaluation would measure nothing.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A run and judgements, or two runs, have nothing in common.
    #[error(transparent)]
    Evaluation(#[from] colidx_data::EvaluationError),
    /// No document has the key. `place` is empty or ends with a colon.
    #[error(
        "{place}no document has the key `{key}`; `colidx search --json` prints the keys of documents"
    )]
    UnknownKey {
        /// File and line of the key.
        place: String,
        /// The key.
        key: String,
    },
    /// A filter that cannot be read or does not fit the index. The first line says why, the others
    /// show the place.
    #[error("--filter: {}", .0.to_string().lines().next().unwrap_or_default())]
    Filter(Box<colidx::FilterError>),
    /// None of the keys that a search is held to is in the index.
    #[error(
        "{}: none of its keys{} is in {}; `colidx search --json` prints the keys of documents",
        file.display(),
        example.as_ref().map(|key| format!(", such as `{key}`,")).unwrap_or_default(),
        index.display()
    )]
    NoSuchKeys {
        /// The file of keys.
        file: PathBuf,
        /// The index.
        index: PathBuf,
        /// The first of the keys; `None` in an empty file.
        example: Option<String>,
    },
    /// The run names no document of the index for any of the queries.
    #[error(
        "{}: no document that it names for one of the queries is in {}; give the run and the \
         queries of this collection",
        run.display(), index.display()
    )]
    NothingToRerank {
        /// The run.
        run: PathBuf,
        /// The index.
        index: PathBuf,
    },
    /// A flag names a place of another kind.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The numbers of query vectors and query texts differ.
    #[error(
        "{} has {vectors} queries, but {} has {texts}; use the vectors of these queries",
        embeddings.display(), queries.display()
    )]
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
    /// A query has no vectors in a file that names them.
    #[error(
        "{embeddings} has no vectors for the query `{key}`, expected an array of that name; encode \
         the queries again, or leave --queries out"
    )]
    QueryVectors {
        /// The file of vectors.
        embeddings: PathBuf,
        /// The key of the query.
        key: String,
    },
    /// Wrong usage that the argument parser does not detect.
    #[error("{0}")]
    Usage(String),
    /// The environment selects unknown kernels.
    #[error(transparent)]
    Kernels(#[from] colidx_kernels::UnknownIsa),
    /// Index and checkpoint do not fit, or the query is empty.
    #[error("{error}{hint}", error = .0, hint = hints::text(.0))]
    Text(Box<TextError>),
    /// Text was given for an index of vectors.
    #[error("{source} (--model, {flag})")]
    TextForVectors {
        /// The library's error.
        source: Box<TextError>,
        /// The flag of the command for vectors.
        flag: &'static str,
    },
    /// The index already has a document with this key.
    #[error(
        "{place}: the index already has a document with the key `{key}`; \
         pass --replace to replace it"
    )]
    KeyExists {
        /// File and line.
        place: String,
        /// The key.
        key: String,
    },
    /// The index refuses a document.
    #[error(transparent)]
    Ingest(IngestError),
    /// No document of a corpus was used. What was skipped stands in lines.
    #[error("no documents were read; nothing was changed")]
    NothingIngested(String),
    /// An output file cannot be written.
    #[error("{error}{hint}", error = .0, hint = hints::output(.0))]
    Output(OutputError),
    /// Standard output cannot be written.
    #[error("cannot write {file}: {source}; check that it has space")]
    Write {
        /// Its name in messages.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The reader closed standard output; not a failure.
    #[error("standard output was closed")]
    BrokenPipe,
    /// A build failed and can be resumed.
    #[error("{source}")]
    Unfinished {
        /// Why.
        source: Box<CliError>,
        /// What is kept, and how to resume.
        kept: String,
    },
    /// A signal stopped the command. The first line says what became of the work.
    #[error("interrupted; {}", .0.lines().next().unwrap_or_default())]
    Interrupted(String),
    /// Threads, the terminal or signal handlers cannot be set up.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// What cannot be set up.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The service cannot start, or stops.
    #[cfg(feature = "serve")]
    #[error("{error}{hint}", error = .0, hint = hints::serve(.0))]
    Serve(#[from] colidx_serve::ServeError),
    /// A service that runs, or should, takes no requests.
    #[cfg(feature = "serve")]
    #[error("the service at {address} takes no requests: {reason}")]
    Unready {
        /// Its address.
        address: std::net::SocketAddr,
        /// Why.
        reason: String,
    },
    /// `verify` found damage, and has described it.
    #[error("{} is damaged; restore it from a copy or build it again", index.display())]
    Damaged {
        /// The index.
        index: PathBuf,
    },
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
            IngestError::Index(error) => CliError::Index(*error),
            IngestError::Cancelled => CliError::Index(colidx::Error::Cancelled),
            error => CliError::Ingest(error),
        }
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> CliError {
        CliError::Import(Box::new(error))
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

impl CliError {
    /// Names the flag that takes vectors, where an index of vectors was given text.
    pub fn or_vectors(self, flag: &'static str) -> CliError {
        match self {
            CliError::Text(source) if matches!(*source, TextError::NoModelRecorded { .. }) => {
                CliError::TextForVectors { source, flag }
            }
            error => error,
        }
    }

    /// Further lines to print after the error; usually none.
    pub fn advice(&self) -> Cow<'_, str> {
        let after_first = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
        match self {
            CliError::Unfinished { kept, .. } => kept.into(),
            CliError::NothingIngested(skipped) => skipped.into(),
            CliError::Interrupted(what) => after_first(what).unwrap_or_default().into(),
            CliError::Filter(error) => after_first(&error.to_string()).unwrap_or_default().into(),
            _ => "".into(),
        }
    }

    /// 0 for a closed pipe, 2 for wrong usage, 128 + N after signal N, otherwise 1.
    pub fn status(&self) -> u8 {
        match self {
            CliError::BrokenPipe => 0,
            CliError::Usage(_) | CliError::Kernels(_) => 2,
            CliError::Interrupted(_) => crate::interrupt::status(),
            _ => 1,
        }
    }
}
