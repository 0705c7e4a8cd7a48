//! fast-plaid and next-plaid: arrays of numpy beside JSON.
//!
//! Codes and residuals lie in one file a chunk, or merged in one file, with rows of padding behind
//! the last document. Deleting closes up numbers and rewrites files. `buffer.npy` holds the newest
//! documents once more; fast-plaid's is wrong after a delete, so it is never read.

use super::Parts;
use super::{chunks, place_listed};
use crate::array::Array;
use crate::codec::{Codec, Lengths};
use crate::documents::Table;
use crate::engine::Engine;
use crate::error::ImportError;
use crate::folder::Folder;
use crate::options::ImportOptions;
use crate::originals;
use crate::places::Placer;
use crate::report::{NoteKind, Report};
use crate::vectors::{Chunk, Stored};

const METADATA: &str = "metadata.json";
const TABLE: &str = "metadata.db";

/// Which of the two wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    FastPlaid,
    NextPlaid,
}

impl Writer {
    fn lengths(self) -> Lengths {
        match self {
            Writer::FastPlaid => Lengths::UnitInHalf,
            Writer::NextPlaid => Lengths::Unit,
        }
    }

    fn engine(self, merged: bool) -> Engine {
        match self {
            Writer::FastPlaid => Engine::new("fast-plaid", merged.then_some("1.7 or later")),
            Writer::NextPlaid => Engine::new("next-plaid", None),
        }
    }
}

pub(crate) fn read(
    folder: &Folder,
    writer: Writer,
    options: &ImportOptions,
) -> Result<Parts, ImportError> {
    let metadata = folder.settings(METADATA)?;
    let count = chunks(folder, METADATA, &metadata)?;
    let centroids = Array::npy(folder, "centroids.npy")?;
    let signs = metadata["binary"] == true;
    let codec = if signs {
        Codec::signs(&centroids)?
    } else {
        let weights = Array::npy(folder, "bucket_weights.npy")?;
        Codec::residual(&centroids, &weights, writer.lengths())?
    };
    let dim = codec.dim;
    let (placer, starts) = place(folder, count, dim)?;
    let merged = is_merged(folder, count)?;
    let chunks = if merged {
        vec![merged_chunk(folder, placer.next, &codec)?]
    } else {
        split_chunks(folder, &starts, &codec)?
    };
    let mut report = Report::default();
    let originals = match options.originals {
        true => originals::find(folder, &placer.places, dim, &mut report),
        false => None,
    };
    let stored = match originals {
        Some(Ok(originals)) => originals,
        unfit => {
            if let Some(Err(reason)) = unfit {
                report.add(NoteKind::OriginalsUnfit, reason);
            }
            if signs {
                report.add(NoteKind::OtherLengths, "1 and -1 in every dimension");
            }
            Stored::Codes { codec, chunks }
        }
    };
    let table = table(folder, placer.places.len(), options, &mut report)?;
    Ok(Parts {
        engine: writer.engine(merged),
        model: None,
        stored,
        places: placer.places,
        keys: None,
        table,
        report,
    })
}

/// Places the documents, and gives the first row of each chunk and the row behind the last.
fn place(folder: &Folder, count: u64, dim: usize) -> Result<(Placer, Vec<u64>), ImportError> {
    let mut placer = Placer::new(dim);
    let mut starts = vec![0];
    for chunk in 0..count {
        place_listed(folder, chunk, &mut placer)?;
        starts.push(placer.next);
    }
    Ok((placer, starts))
}

/// Whether codes and residuals are in one file each. An engine that was stopped while it merged may
/// leave some chunks in files of their own, beside an older merged file.
fn is_merged(folder: &Folder, count: u64) -> Result<bool, ImportError> {
    let has = |chunk: u64| {
        folder.has(&format!("{chunk}.codes.npy")) && folder.has(&format!("{chunk}.residuals.npy"))
    };
    let split = (0..count).filter(|&chunk| has(chunk)).count() as u64;
    if split == count {
        return Ok(false);
    }
    let merged = folder.has("merged_codes.npy") && folder.has("merged_residuals.npy");
    if split == 0 && merged {
        return Ok(true);
    }
    let expected = format!("the codes and residuals of all {count} chunks, or all of them merged");
    let got = format!("those of {split} chunks; open it once with its engine, which finishes that");
    Err(folder.mismatch("", expected, got))
}

fn merged_chunk(folder: &Folder, rows: u64, codec: &Codec) -> Result<Chunk, ImportError> {
    let arrays = [
        Array::npy(folder, "merged_codes.npy")?,
        Array::npy(folder, "merged_residuals.npy")?,
    ];
    Chunk::new(0, rows, true, codec, arrays)
}

fn split_chunks(folder: &Folder, starts: &[u64], codec: &Codec) -> Result<Vec<Chunk>, ImportError> {
    let bounds = starts.iter().zip(&starts[1..]).enumerate();
    let chunk = |(number, (&first, &end))| {
        let arrays = [
            Array::npy(folder, &format!("{number}.codes.npy"))?,
            Array::npy(folder, &format!("{number}.residuals.npy"))?,
        ];
        Chunk::new(first, end - first, false, codec, arrays)
    };
    bounds.map(chunk).collect()
}

#[cfg(feature = "sqlite")]
fn table(
    folder: &Folder,
    documents: usize,
    options: &ImportOptions,
    report: &mut Report,
) -> Result<Option<Box<dyn Table>>, ImportError> {
    if !folder.has(TABLE) {
        return Ok(None);
    }
    match crate::sqlite::MetadataTable::open(&folder.path(TABLE), documents, options) {
        Ok(table) => Ok(Some(Box::new(table))),
        Err(error @ ImportError::NoTable { .. }) if options.key_column.is_none() => {
            report.add(NoteKind::NoMetadata, error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(not(feature = "sqlite"))]
fn table(
    folder: &Folder,
    _: usize,
    _: &ImportOptions,
    report: &mut Report,
) -> Result<Option<Box<dyn Table>>, ImportError> {
    if folder.has(TABLE) {
        report.add(NoteKind::MetadataUnread, TABLE);
    }
    Ok(None)
}
