//! `colidx add` and `colidx update`

use std::path::Path;
use std::sync::Arc;

use colidx::corpus::{IngestError, delete_stale_passages};
use colidx::text::EncoderSource;
use colidx::{CommitReport, Index, IndexWriter, NewDocument, WriterOptions};
use serde::Serialize;

use super::ingest::{self, IngestSummary, ProgressAdapter};
use super::vectors::GivenVectors;
use super::with_threads;
use crate::args::IngestArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::model;
use crate::output::{Stdout, note};
use crate::progress::Phases;
use crate::render::{fit, number};
use colidx_data::Corpus;

#[derive(Serialize)]
struct AddLine<'a> {
    index: String,
    generation: u64,
    documents: u64,
    segments: usize,
    added: u64,
    replaced: u64,
    superseded: u64,
    stale: u64,
    vectors: u64,
    without_vectors: u64,
    error: Option<f64>,
    sample_error: f64,
    bytes_written: u64,
    unmerged: Option<&'a str>,
}

/// Result of an ingest.
struct Done {
    writer: IndexWriter,
    report: CommitReport,
    summary: IngestSummary,
    /// Documents replaced by a later one of the same input.
    superseded: u64,
    /// Passages that their file or record no longer has.
    stale: u64,
}

/// Adds documents to an index, or replaces them.
///
/// # Errors
/// Any; the index is then unchanged.
pub fn run(args: &IngestArgs, replace: bool) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        let phases = Phases::new();
        let done = match &args.input.vectors.embeddings {
            Some(path) => from_vectors(args, path, replace, &phases),
            None => from_text(args, replace, &phases),
        };
        let done = done.map_err(super::unchanged)?;
        phases.end();
        tell(args, &done)
    })
}

fn from_text(args: &IngestArgs, replace: bool, phases: &Phases) -> Result<Done, CliError> {
    // Fail early, before the checkpoint is loaded.
    let reading = args.input.reading.options();
    let reading = reading.index(&args.index.path).keep_wholes(replace);
    let mut corpus = Corpus::open(&args.input.corpus, reading)?;
    let index = Index::open(&args.index.path)?;
    let model = model::of_index(&index, &args.model);
    let model = Arc::new(model.map_err(|error| error.or_vectors("--embeddings"))?);
    args.input.reading.fit_passages(&mut corpus, &model);
    let mut writer = open(args, &index)?;
    let mut summary = IngestSummary::of(model.info().document_length);
    let mut superseded = 0;
    let read = ingest::read(
        &mut corpus,
        &args.input.reading,
        &mut summary,
        phases,
        &mut |document| {
            superseded += u64::from(stage(&mut writer, document, replace)?);
            Ok(())
        },
    );
    read.map_err(|error| known_key(&writer, error))?;
    let stale = delete_stale_passages(&corpus, &mut writer)?;
    let mut source = EncoderSource::new(model.encoder()).cancelled_by(&interrupt::requested);
    let report = writer.commit(&mut source, &ProgressAdapter(phases))?;
    summary.truncated = source.truncated().clone();
    Ok(Done {
        writer,
        report,
        summary,
        superseded,
        stale,
    })
}

fn from_vectors(
    args: &IngestArgs,
    path: &Path,
    replace: bool,
    phases: &Phases,
) -> Result<Done, CliError> {
    let index = &args.index.path;
    let mut given = GivenVectors::open(path, &args.input, index, phases)?;
    let mut writer = open(args, &Index::open(index)?)?;
    let mut superseded = 0;
    let read = given.read(&mut |document| {
        superseded += u64::from(stage(&mut writer, document, replace)?);
        Ok(())
    });
    read.map_err(|error| known_key(&writer, error))?;
    let report = writer.commit(&mut given.source, &ProgressAdapter(phases))?;
    phases.end();
    given.tell();
    Ok(Done {
        writer,
        report,
        summary: IngestSummary::default(),
        superseded,
        stale: 0,
    })
}

/// Opens the index for writing. For text, the checkpoint was compared with the recorded one; for
/// vectors it is unknown.
fn open(args: &IngestArgs, index: &Index) -> Result<IndexWriter, CliError> {
    let options = WriterOptions::default()
        .model(match args.input.vectors.embeddings {
            Some(_) => None,
            None => index.model().cloned(),
        })
        .memory(args.memory.bytes())
        .pool_factor(args.pool_factor);
    interrupt::install()?;
    Ok(IndexWriter::open(&args.index.path, options)?)
}

/// Stages a document. Returns whether it replaced one of the same input.
fn stage(
    writer: &mut IndexWriter,
    document: &NewDocument<'_>,
    replace: bool,
) -> colidx::Result<bool> {
    if replace {
        let before = writer.num_staged();
        writer.update(document)?;
        return Ok(writer.num_staged() == before);
    }
    writer.add(document)?;
    Ok(false)
}

/// Distinguishes a key that the index already has from one that is repeated in the input.
fn known_key(writer: &IndexWriter, error: CliError) -> CliError {
    let CliError::Ingest(IngestError::Document { place, source }) = &error else {
        return error;
    };
    match &**source {
        colidx::Error::DuplicateKey { key } if has_key(writer, key) => CliError::KeyExists {
            place: place.clone(),
            key: key.clone(),
        },
        _ => error,
    }
}

fn has_key(writer: &IndexWriter, key: &str) -> bool {
    let index = writer.index();
    index.is_some_and(|index| matches!(index.find(key), Ok(Some(_))))
}

fn tell(args: &IngestArgs, done: &Done) -> Result<(), CliError> {
    let Done {
        writer,
        report,
        summary,
        superseded,
        stale,
    } = done;
    let replaced = report.deleted - stale;
    let Some(index) = writer.index() else {
        return Err(colidx::Error::NotCommitted.into());
    };
    let info = index.info()?;
    let segments = info.segments.len();
    note(&format!(
        "{}: {} added, {} of them replacements; {} in {}",
        args.index.path.display(),
        number::counted(report.added, "document"),
        number::count(replaced),
        number::counted(index.num_documents(), "document"),
        number::counted(segments as u64, "segment"),
    ));
    if *superseded > 0 {
        note(&format!(
            "replaced: {} by a later one of the same input",
            number::counted(*superseded, "document")
        ));
    }
    if *stale > 0 {
        let stale = number::counted(*stale, "passage");
        note(&format!("deleted: {stale} that an edit moved or removed"));
    }
    for line in summary.left_out("", report.without_text, report.without_vectors) {
        note(&line);
    }
    if let Some(error) = report.error {
        let share = report.vectors as f64 / info.vectors.max(1) as f64;
        note(&fit::line(error, report.sample_error, share));
    }
    super::tell_unmerged(report);
    ingest::tell_times(&report.phases);
    if args.json {
        let unmerged = report.unmerged.as_ref().map(|e| e.to_string());
        let mut out = Stdout::lock();
        out.json(&AddLine {
            index: args.index.path.display().to_string(),
            generation: report.generation,
            documents: index.num_documents(),
            segments,
            added: report.added,
            replaced,
            superseded: *superseded,
            stale: *stale,
            vectors: report.vectors,
            without_vectors: report.without_vectors,
            error: report.error,
            sample_error: report.sample_error,
            bytes_written: report.bytes_written,
            unmerged: unmerged.as_deref(),
        })?;
        out.flush()?;
    }
    Ok(())
}
