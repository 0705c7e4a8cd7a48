//! Errors of colidx as exceptions of `colidx.errors`.

use std::fmt::Display;

use colidx::corpus::IngestError;
use colidx::data::embeddings::EmbeddingsError;
use colidx::data::{EvaluationError, InputError, MetricError};
use colidx::encoder::EncoderError;
use colidx::encoder::hub::HubError;
use colidx::import::ImportError;
use colidx::{Error, TextError};
use pyo3::prelude::*;

/// An exception of `colidx.errors` by name.
pub fn exception(class: &str, message: impl Display) -> PyErr {
    let message = message.to_string();
    Python::attach(|py| {
        let class = py.import("colidx.errors").and_then(|m| m.getattr(class));
        match class.and_then(|class| class.call1((message,))) {
            Ok(value) => PyErr::from_value(value),
            Err(error) => error,
        }
    })
}

/// An error that knows its exception.
pub trait Raise: Display {
    /// Name of the class in `colidx.errors`.
    fn class(&self) -> &'static str;
}

/// Turns errors of colidx into exceptions.
pub trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Raise> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(error.class(), error))
    }
}

impl Raise for Error {
    fn class(&self) -> &'static str {
        match self {
            Error::Io { source, .. } => of_io(source),
            Error::NotAnIndex { .. } => "NotFoundError",
            Error::AlreadyExists { .. }
            | Error::DirectoryNotEmpty { .. }
            | Error::ManifestMissing { .. } => "ExistsError",
            Error::Unfinished { .. } | Error::OtherBuild { .. } => "UnfinishedError",
            Error::Format(_) | Error::DamagedJournal { .. } | Error::Uncommittable { .. } => {
                "DamagedError"
            }
            Error::Locked { .. } => "LockedError",
            Error::Conflict { .. } | Error::Poisoned => "StorageError",
            Error::DuplicateKey { .. } => "DuplicateKeyError",
            Error::InvalidKey { .. }
            | Error::DocumentTooLarge { .. }
            | Error::Metadata { .. }
            | Error::TooManyDocuments { .. }
            | Error::NoText { .. } => "InputError",
            Error::NonFinite { .. }
            | Error::TooLong { .. }
            | Error::NotUnitLength { .. }
            | Error::DocumentVectors { .. }
            | Error::TokenIds { .. }
            | Error::NoTokenIds
            | Error::PartialVector { .. }
            | Error::QueryDimension { .. }
            | Error::QueryTooLong { .. }
            | Error::SourceDimension { .. }
            | Error::EmptyQuery => "VectorError",
            Error::WrongModel { .. } => "WrongModelError",
            Error::Encode { .. } => "ModelError",
            Error::DeadlineExceeded => "DeadlineError",
            Error::Cancelled | Error::SearchCancelled => "CancelledError",
            Error::Memory { .. } => "MemoryLimitError",
            Error::Option { .. }
            | Error::Filter(_)
            | Error::NoWords { .. }
            | Error::NoColumns { .. }
            | Error::UnknownRecall { .. } => "OptionError",
            _ => "Error",
        }
    }
}

fn of_io(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "NotFoundError",
        _ => "StorageError",
    }
}

impl Raise for TextError {
    fn class(&self) -> &'static str {
        match self {
            TextError::Index(error) => error.class(),
            TextError::Encoder(error) => error.class(),
            TextError::Hub(error) => error.class(),
            TextError::NoModel { .. } | TextError::ModelMoved { .. } => "ModelNotFoundError",
            TextError::WrongModel { .. }
            | TextError::WrongDimension { .. }
            | TextError::OtherSetting { .. } => "WrongModelError",
            TextError::EmptyQuery => "InputError",
            _ => "ModelError",
        }
    }
}

impl Raise for EncoderError {
    fn class(&self) -> &'static str {
        match self {
            EncoderError::NoCheckpoint { .. } | EncoderError::NoWeights { .. } => {
                "ModelNotFoundError"
            }
            _ => "ModelError",
        }
    }
}

impl Raise for HubError {
    fn class(&self) -> &'static str {
        match self {
            HubError::Cancelled => "CancelledError",
            _ => "HubError",
        }
    }
}

impl Raise for ImportError {
    fn class(&self) -> &'static str {
        match self {
            ImportError::Io { source, .. } => of_io(source),
            ImportError::NoColumn { .. }
            | ImportError::NoMetadata { .. }
            | ImportError::NoCollection { .. }
            | ImportError::KeyColumn { .. } => "OptionError",
            ImportError::NotRecognised { .. }
            | ImportError::Several { .. }
            | ImportError::Unsupported { .. }
            | ImportError::Collection { .. }
            | ImportError::Id { .. }
            | ImportError::NoCopy { .. }
            | ImportError::TooLarge { .. }
            | ImportError::TooLong { .. } => "InputError",
            _ => "DamagedError",
        }
    }
}

impl Raise for InputError {
    fn class(&self) -> &'static str {
        match self {
            InputError::Unreadable { source, .. } => of_io(source),
            _ => "InputError",
        }
    }
}

impl Raise for IngestError {
    fn class(&self) -> &'static str {
        match self {
            IngestError::Input(error) => error.class(),
            IngestError::Embeddings(error) => error.class(),
            IngestError::Index(error) => error.class(),
            IngestError::Document { source, .. } => source.class(),
            IngestError::Cancelled => "CancelledError",
            _ => "InputError",
        }
    }
}

impl Raise for EmbeddingsError {
    fn class(&self) -> &'static str {
        "InputError"
    }
}

impl Raise for EvaluationError {
    fn class(&self) -> &'static str {
        "InputError"
    }
}

impl Raise for MetricError {
    fn class(&self) -> &'static str {
        "OptionError"
    }
}
