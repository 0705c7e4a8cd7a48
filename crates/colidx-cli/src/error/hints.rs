//! The flags behind the advice of library errors. Libraries name none; every command that fails so
//! has them.

use colidx::TextError;
use colidx::import::ImportError;
use colidx_data::embeddings::EmbeddingsError;
use colidx_data::{Field, InputError, LineFault, OutputError};

/// The flag that follows the advice about an index and a checkpoint.
pub fn text(error: &TextError) -> &'static str {
    match error {
        TextError::ModelMoved { .. }
        | TextError::WrongModel { .. }
        | TextError::WrongDimension { .. }
        | TextError::NoModelRecorded { .. } => " (--model)",
        _ => "",
    }
}

/// The flag that follows the advice about an index of another engine.
pub fn import(error: &ImportError) -> &'static str {
    match error {
        ImportError::NoColumn { of, .. } | ImportError::NoMetadata { of, .. } => match *of {
            "keys" => " (--key-column)",
            "texts" => " (--text-column)",
            _ => " (--title-column)",
        },
        ImportError::KeyColumn { .. } => " (--key-column)",
        ImportError::Collection { .. } | ImportError::NoCollection { .. } => " (--collection)",
        _ => "",
    }
}

/// The flag or command that follows the advice of the engine.
pub fn index(error: &colidx::Error) -> &'static str {
    use colidx::Error;
    match error {
        Error::NotAnIndex {
            unfinished: true, ..
        } => " (`colidx build ... --resume`)",
        Error::NotAnIndex { .. } => " (`colidx build CORPUS --index DIR`)",
        Error::AlreadyExists { .. } => " (--force)",
        Error::Unfinished { .. } => " (--resume to resume it, --force to start over)",
        Error::OtherBuild { .. } => " (--force without --resume)",
        Error::ManifestMissing { .. } | Error::DamagedJournal { .. } => {
            " (`colidx build --force` replaces what is there)"
        }
        Error::Memory { .. } => " (--memory)",
        Error::NoTokenIds => " (`token_ids.npy` beside the vectors)",
        Error::UnknownRecall { .. } => " (`colidx tune`)",
        _ => "",
    }
}

/// The flags that follow the advice of the service.
#[cfg(feature = "serve")]
pub fn serve(error: &colidx_serve::ServeError) -> &'static str {
    use colidx_serve::ServeError;
    match error {
        ServeError::Index(error) => index(error),
        ServeError::NoIndex(_) => " (`colidx build CORPUS --index DIR`)",
        ServeError::Unprotected(_) => " (--api-key-file, --no-auth)",
        ServeError::Listen { .. } => " (--address)",
        ServeError::Origin(_) => " (--cors-origin)",
        _ => "",
    }
}

/// The flags that name a field that a line does not have.
fn field(fault: &LineFault) -> &'static str {
    match fault {
        LineFault::MissingField { role, .. } | LineFault::MissingColumn { role, .. } => {
            match role {
                Field::Id => " (--id-field)",
                Field::Title => " (--title-field)",
                Field::Text => " (--text-field)",
                _ => "",
            }
        }
        LineFault::UnknownHeader { .. } => " (--id-field, --text-field)",
        _ => "",
    }
}

/// The flags that follow the advice about texts to rerank, of which none is left out.
pub fn texts(error: &InputError) -> &'static str {
    match error {
        InputError::BadLine { fault, .. } => field(fault),
        error => input(error),
    }
}

/// The flags that follow the advice of a reader's error.
pub fn input(error: &InputError) -> &'static str {
    match error {
        InputError::BadLine { fault, .. } => match (fault, field(fault)) {
            (LineFault::UnknownHeader { .. }, _) => " (--id-field, --text-field, --title-field)",
            (fault, flag) if fault.is_of_whole_file() => flag,
            (LineFault::MissingField { .. }, " (--id-field)") => {
                " (--id-field), or leave bad lines out (--skip-bad-lines)"
            }
            (LineFault::MissingField { .. }, " (--text-field)") => {
                " (--text-field), or leave bad lines out (--skip-bad-lines)"
            }
            _ => ", or leave bad lines out (--skip-bad-lines)",
        },
        InputError::Line { fault, .. } => field(fault),
        InputError::WrongFormat { .. } => " (--format jsonl, tsv or csv, whatever its name is)",
        InputError::Pdf { .. } => " (`... | colidx build - --format text`)",
        InputError::UnknownFormat { .. } | InputError::NoDocuments { .. } => " (--format)",
        _ => "",
    }
}

/// The flag that follows the advice of a writer's error.
pub fn output(error: &OutputError) -> &'static str {
    match error {
        OutputError::Exists { .. } => " (--force)",
        OutputError::Kept { source, .. } => output(source),
        _ => "",
    }
}

/// The flag that follows the advice about embedding files.
pub fn embeddings(error: &EmbeddingsError) -> &'static str {
    match error {
        EmbeddingsError::Input(error) => input(error),
        EmbeddingsError::Output(error) => output(error),
        _ => "",
    }
}
