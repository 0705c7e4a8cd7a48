//! `colidx compact`

use colidx::text::EncoderSource;
use colidx::{CommitReport, Index, IndexWriter, RetrainOptions, WriterOptions};
use serde::Serialize;

use super::ingest::{self, ProgressAdapter};
use super::with_threads;
use crate::args::CompactArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::model;
use crate::output::{Stdout, note};
use crate::progress::Phases;
use crate::render::number;

#[derive(Serialize)]
struct CompactLine {
    index: String,
    generation: u64,
    documents: u64,
    merged: u64,
    reclaimed: u64,
    sample_error: f64,
    bytes_before: u64,
    bytes: u64,
}

/// Merges all segments, and trains a new codebook if asked to.
///
/// # Errors
/// Any; the index is then unchanged.
pub fn run(args: &CompactArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        let phases = Phases::new();
        let (line, report) = compact(args, &phases).map_err(super::unchanged)?;
        phases.end();
        note(&format!(
            "{}: {}, {} reclaimed; {} on disk, was {}",
            line.index,
            number::counted(line.documents, "document"),
            number::count(line.reclaimed),
            number::bytes(line.bytes),
            number::bytes(line.bytes_before),
        ));
        ingest::tell_times(&report.phases);
        if args.json {
            let mut out = Stdout::lock();
            out.json(&line)?;
            out.flush()?;
        }
        Ok(())
    })
}

fn compact(args: &CompactArgs, phases: &Phases) -> Result<(CompactLine, CommitReport), CliError> {
    let path = &args.index.path;
    let index = Index::open(path)?;
    let model = match (args.retrain, args.from_text) {
        (true, true) => Some(model::of_index(&index, &args.model)?),
        _ => None,
    };
    // From here on a signal must clean up.
    interrupt::install()?;
    let options = WriterOptions::default()
        .model(index.model().cloned())
        .memory(args.memory.bytes());
    let mut writer = IndexWriter::open(path, options)?;
    let before = index.info()?.bytes;
    let watch = ProgressAdapter(phases);
    let retrain = RetrainOptions::default()
        .centroids(args.centroids.map(|n| n as usize))
        .engine(args.clustering.engine()?);
    drop(index);
    if let Some(analyzer) = args.words.change() {
        writer.set_analyzer(analyzer, &watch)?;
    }
    let report = match &model {
        None if args.retrain => writer.retrain(None, &retrain, &watch)?,
        None => writer.compact(&watch)?,
        Some(model) => {
            let mut source =
                EncoderSource::new(model.encoder()).cancelled_by(&interrupt::requested);
            writer.retrain(Some(&mut source), &retrain, &watch)?
        }
    };
    let info = Index::open(path)?.info()?;
    let line = CompactLine {
        index: path.display().to_string(),
        generation: report.generation,
        documents: info.documents,
        merged: report.merged,
        reclaimed: report.reclaimed,
        sample_error: info.sample_error,
        bytes_before: before,
        bytes: info.bytes,
    };
    Ok((line, report))
}
