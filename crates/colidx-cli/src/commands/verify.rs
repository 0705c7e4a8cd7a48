//! `colidx verify`

use std::time::Instant;

use colidx::{Error, Index};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::error::CliError;
use crate::output::{Stdout, note};
use crate::render::number;

#[derive(Serialize)]
struct Verdict {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vectors: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Reads the whole index and reports whether it is intact.
///
/// # Errors
/// The index is damaged, or cannot be read.
pub fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let began = Instant::now();
    let mut out = Stdout::lock();
    let checked = Index::open(&args.index.path).and_then(|index| {
        index.verify()?;
        index.info()
    });
    match checked {
        Ok(info) if args.json => out.json(&Verdict {
            ok: true,
            documents: Some(info.documents),
            vectors: Some(info.vectors),
            bytes: Some(info.bytes),
            file: None,
            error: None,
        })?,
        Ok(info) => out.line(&format!(
            "{} is intact: {}, {}, {} in {}, checked in {}",
            args.index.path.display(),
            number::counted(info.documents, "document"),
            number::counted(info.vectors, "vector"),
            number::bytes(info.bytes),
            number::counted(info.files.len() as u64, "file"),
            number::time(began.elapsed())
        ))?,
        Err(Error::Format(damage)) => {
            if args.json {
                let file = Some(damage.path.display().to_string());
                out.json(&Verdict {
                    ok: false,
                    documents: None,
                    vectors: None,
                    bytes: None,
                    file,
                    error: Some(damage.to_string()),
                })?;
                out.flush()?;
            } else {
                note(&damage.to_string());
            }
            return Err(CliError::Damaged {
                index: args.index.path.clone(),
            });
        }
        Err(error) => return Err(error.into()),
    }
    out.flush()
}
