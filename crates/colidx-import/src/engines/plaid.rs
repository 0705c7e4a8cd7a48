//! fast-plaid and next-plaid: arrays of numpy beside JSON.
//!
//! Codes and residuals lie in one file a chunk, or merged in one file, with rows of padding behind
//! the last document, or some here and some there. Deleting closes up numbers and rewrites files.
//! `buffer.npy` holds the newest documents once more; fast-plaid's is wrong after a delete, so it
//! is never read.

use super::Parts;
use super::{chunks, place_listed};
use crate::array::Array;
use crate::codec::{Codec, Lengths};
use crate::documents::Table;
use crate::engine::{Engine, ForeignModel};
use crate::error::ImportError;
use crate::folder::Folder;
use crate::options::ImportOptions;
use crate::originals;
use crate::places::Placer;
use crate::report::{NoteKind, Report};
use crate::vectors::{Chunk, Stored};

const METADATA: &str = "metadata.json";
pub(crate) const TABLE: &str = "metadata.db";
const CODES: &str = "codes";
const RESIDUALS: &str = "residuals";

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
    let mut codec = if signs {
        Codec::signs(&centroids)?
    } else {
        let weights = Array::npy(folder, "bucket_weights.npy")?;
        Codec::residual(&centroids, &weights, writer.lengths())?
    };
    let dim = codec.dim;
    let (placer, starts) = place(folder, count, dim)?;
    let layout = Rows::of(folder, writer, count)?;
    let chunks = layout.chunks(folder, &starts, &codec)?;
    codec.read_centroids(&centroids, placer.next)?;
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
        engine: writer.engine(layout == Rows::Merged),
        model: colgrep_model(folder),
        stored,
        places: placer.places,
        keys: None,
        table,
        report,
    })
}

/// The model that colgrep names in the folder around that of its index. Nothing else depends on
/// that file, so whatever else it may be is no error.
fn colgrep_model(folder: &Folder) -> Option<ForeignModel> {
    let inner = folder.path("").canonicalize().ok()?;
    let outer = inner.parent().filter(|_| inner.ends_with("index"))?;
    let project = Folder::new(outer, "colgrep");
    let settings = project.settings("project.json").ok()?;
    let checkpoint = settings["model"].as_str().filter(|name| !name.is_empty())?;
    Some(ForeignModel {
        checkpoint: checkpoint.to_owned(),
        ..ForeignModel::default()
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

/// Where codes and residuals lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// In a file of their own for every chunk.
    Split,
    /// Those of all chunks one after the other in one file, with padding behind the last.
    Merged,
    /// Some chunks have files, the others are in the merged ones: an engine that was stopped while
    /// it merged leaves them so.
    Both,
}

impl Rows {
    fn of(folder: &Folder, writer: Writer, count: u64) -> Result<Rows, ImportError> {
        let has = |chunk: u64, kind: &str| folder.has(&format!("{chunk}.{kind}.npy"));
        let files = |kind| (0..count).filter(|&chunk| has(chunk, kind)).count() as u64;
        let files = [files(CODES), files(RESIDUALS)];
        if files == [count; 2] {
            return Ok(Rows::Split);
        }
        if [CODES, RESIDUALS]
            .iter()
            .any(|kind| folder.has(&merged(kind)))
        {
            // next-plaid's merged files may be older than its chunks, which are always there.
            if files == [0; 2] {
                return Ok(Rows::Merged);
            }
            if writer == Writer::FastPlaid {
                return Ok(Rows::Both);
            }
        }
        Ok(Rows::Split)
    }

    fn chunks(
        self,
        folder: &Folder,
        starts: &[u64],
        codec: &Codec,
    ) -> Result<Vec<Chunk>, ImportError> {
        let rows = starts.last().copied().unwrap_or(0);
        if self == Rows::Merged {
            let arrays = [
                Array::npy(folder, &merged(CODES))?,
                Array::npy(folder, &merged(RESIDUALS))?,
            ];
            return Ok(vec![Chunk::new(0, rows, true, codec, arrays)?]);
        }
        let mut merged = [CODES, RESIDUALS].map(MergedRows::new);
        let mut chunks = Vec::new();
        for (number, bounds) in starts.windows(2).enumerate() {
            let rows = bounds[1] - bounds[0];
            let [codes, residuals] = &mut merged;
            let find = |kind: &mut MergedRows| {
                let own = format!("{number}.{}.npy", kind.kind);
                match self == Rows::Both && !folder.has(&own) {
                    true => kind.part(folder, number, rows, starts),
                    false => Array::npy(folder, &own),
                }
            };
            let arrays = [find(codes)?, find(residuals)?];
            chunks.push(Chunk::new(bounds[0], rows, false, codec, arrays)?);
        }
        Ok(chunks)
    }
}

fn merged(kind: &str) -> String {
    format!("merged_{kind}.npy")
}

/// A merged file of which only some chunks are read.
struct MergedRows {
    kind: &'static str,
    /// The array, and the first row of each chunk in it.
    open: Option<(Array, Vec<u64>)>,
}

impl MergedRows {
    fn new(kind: &'static str) -> MergedRows {
        MergedRows { kind, open: None }
    }

    /// The `rows` of a chunk.
    fn part(
        &mut self,
        folder: &Folder,
        chunk: usize,
        rows: u64,
        starts: &[u64],
    ) -> Result<Array, ImportError> {
        let file = merged(self.kind);
        let (array, bounds) = match &mut self.open {
            Some(open) => open,
            open => {
                let bounds = merged_bounds(folder, self.kind, starts)?;
                open.insert((Array::npy(folder, &file)?, bounds))
            }
        };
        let (first, end) = (bounds[chunk], bounds[chunk + 1]);
        let there = array.shape().first().copied().unwrap_or(0);
        if end - first != rows || end > there {
            let expected = format!("{rows} rows of chunk {chunk}, which has no file of its own");
            let got = format!("{} of {there}", end - first);
            return Err(folder.mismatch(&file, expected, got));
        }
        Ok(array.part(first, rows))
    }
}

/// The first row of each chunk in a merged file, and the row behind the last. The manifest says how
/// many rows each chunk had when it was merged; without it, those that it has now.
fn merged_bounds(folder: &Folder, kind: &str, starts: &[u64]) -> Result<Vec<u64>, ImportError> {
    let name = format!("merged_{kind}.manifest.json");
    if !folder.has(&name) {
        return Ok(starts.to_vec());
    }
    let manifest = folder.settings(&name)?;
    let chunks = manifest.get("chunks").unwrap_or(&manifest);
    let mut bounds = vec![0u64];
    let mut end = 0u64;
    for chunk in 0..starts.len() - 1 {
        let entry = &chunks[format!("{chunk}.{kind}.npy")];
        if entry["merged"] != false {
            end = end.saturating_add(entry["rows"].as_u64().unwrap_or(0));
        }
        bounds.push(end);
    }
    Ok(bounds)
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
        Err(error @ ImportError::NoTable { .. }) if options.named_columns().is_empty() => {
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
    options: &ImportOptions,
    report: &mut Report,
) -> Result<Option<Box<dyn Table>>, ImportError> {
    if folder.has(TABLE) {
        if !options.named_columns().is_empty() {
            let file = folder.path(TABLE).display().to_string();
            return Err(ImportError::NeedsSqlite { file });
        }
        report.add(NoteKind::MetadataUnread, TABLE);
    }
    Ok(None)
}
