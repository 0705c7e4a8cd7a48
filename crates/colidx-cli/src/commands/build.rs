//! `colidx build`

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use colidx::text::EncoderSource;
use colidx::{BuildOptions, CommitReport, Index, IndexWriter};

use super::info;
use super::ingest::{self, IngestSummary, ProgressAdapter};
use super::vectors::GivenVectors;
use super::with_threads;
use crate::args::{BuildArgs, WritingArgs};
use crate::command_line;
use crate::error::CliError;
use crate::interrupt;
use crate::model;
use crate::output::note;
use crate::progress::Phases;
use crate::render::number;
use colidx_data::Corpus;

/// Builds an index from text or from vectors.
///
/// # Errors
/// Any; an existing index is then unchanged, and encoded documents are kept.
pub fn run(args: &BuildArgs) -> Result<(), CliError> {
    with_threads(&args.writing.threads, || {
        let phases = Phases::new();
        let built = match &args.input.vectors.embeddings {
            Some(path) => from_vectors(args, path, &phases),
            None => from_text(args, &phases),
        };
        let (report, summary) = built.map_err(|error| stopped(&args.index.path, error))?;
        phases.end();
        summarise(&args.index.path, &report, &summary)
    })
}

/// Describes what is kept of a build that stopped, and the command that resumes it.
pub(super) fn stopped(index: &Path, error: CliError) -> CliError {
    let kept = match IndexWriter::unfinished(index) {
        Ok(Some(build)) => format!(
            "{} of {} encoded and kept; to resume:\n  {}",
            number::count(build.encoded),
            number::counted(build.documents, "document"),
            command_line::with_flag("--resume"),
        ),
        _ => String::new(),
    };
    match error {
        _ if interrupt::requested() && kept.is_empty() => CliError::Interrupted(
            "no index was built and an existing one is unchanged; run the command again".to_owned(),
        ),
        _ if interrupt::requested() => CliError::Interrupted(kept),
        CliError::Index(
            colidx::Error::Io { .. }
            | colidx::Error::Encode { .. }
            | colidx::Error::NonFinite { .. }
            | colidx::Error::TooLong { .. }
            | colidx::Error::Train { .. },
        ) if !kept.is_empty() => CliError::Unfinished {
            source: Box::new(error),
            kept,
        },
        error => error,
    }
}

fn from_text(args: &BuildArgs, phases: &Phases) -> Result<(CommitReport, IngestSummary), CliError> {
    let Some(location) = &args.model else {
        return Err(CliError::Usage(
            "--model is needed to build from text".to_owned(),
        ));
    };
    // Fail early, before the checkpoint is loaded and a directory is created.
    let reading = args.input.reading.options().index(&args.index.path);
    let mut corpus = Corpus::open(&args.input.corpus, reading)?;
    let options = options(&args.writing)?;
    let model = Arc::new(model::open(location, &args.encoder.options())?);
    args.input.reading.fit_passages(&mut corpus, &model);
    let options = options.model(Some(model.to_record()));
    // From here on a signal must clean up.
    interrupt::install()?;
    let mut builder = IndexWriter::create(&args.index.path, options)?;
    let mut summary = IngestSummary::of(model.info().document_length);
    ingest::read(
        &mut corpus,
        &args.input.reading,
        &mut summary,
        phases,
        &mut |document| builder.add(document),
    )?;
    let mut source = EncoderSource::new(model.encoder()).cancelled_by(&interrupt::requested);
    let report = builder.commit(&mut source, &ProgressAdapter(phases))?;
    summary.truncated = source.truncated().clone();
    Ok((report, summary))
}

fn from_vectors(
    args: &BuildArgs,
    path: &Path,
    phases: &Phases,
) -> Result<(CommitReport, IngestSummary), CliError> {
    interrupt::install()?;
    let index = &args.index.path;
    let mut given = GivenVectors::open(path, &args.input, index, phases)?;
    let mut builder = IndexWriter::create(index, options(&args.writing)?)?;
    given.read(&mut |document| builder.add(document))?;
    let report = builder.commit(&mut given.source, &ProgressAdapter(phases))?;
    phases.end();
    given.tell();
    Ok((report, IngestSummary::default()))
}

/// The options of a new index.
pub(super) fn options(args: &WritingArgs) -> Result<BuildOptions, CliError> {
    let options = BuildOptions::default();
    let nbits = args.nbits.unwrap_or(options.nbits);
    Ok(options
        .nbits(nbits)
        .analyzer(args.words.of_new())
        .pooling(args.pooling())
        .centroids(args.centroids.map(|n| n as usize))
        .engine(args.clustering.engine()?)
        .memory(args.memory.bytes())
        .seed(args.seed)
        .force(args.force)
        .resume(args.resume)
        .checkpoint(Duration::from_secs(args.checkpoint)))
}

/// Says what was written.
pub(super) fn summarise(
    index: &Path,
    report: &CommitReport,
    summary: &IngestSummary,
) -> Result<(), CliError> {
    note(&format!(
        "{}: {}, {}, {}",
        index.display(),
        number::counted(report.added, "document"),
        number::counted(report.vectors, "vector"),
        number::counted(report.centroids as u64, "centroid"),
    ));
    note(&format!(
        "size: {}",
        info::size(&Index::open(index)?.info()?)
    ));
    if let Some(before) = report.resumed {
        let before = number::counted(before, "document");
        note(&format!("resumed: {before} already encoded"));
    }
    let of = report
        .resumed
        .map_or("", |_| " of those encoded in this run");
    for line in summary.left_out(of, report.without_text, report.without_vectors) {
        note(&line);
    }
    ingest::tell_times(&report.phases);
    Ok(())
}
