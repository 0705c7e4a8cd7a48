//! `colidx build`

use std::path::Path;
use std::time::Duration;

use colidx::{BuildOptions, CommitReport, Index, IndexWriter, ModelInfo};
use colidx_encoder::{CheckpointInfo, Precision};

use super::info;
use super::intake::{self, Tally, Watch, refused};
use super::with_threads;
use crate::args::BuildArgs;
use crate::command_line;
use crate::encoding::{EmbeddingsSource, EncoderSource};
use crate::error::CliError;
use crate::interrupt;
use crate::model::{self, Model};
use crate::output::note;
use crate::progress::Phases;
use crate::render::number;
use colidx_data::Corpus;
use colidx_data::embeddings::{self, Embeddings};

/// Builds an index from text or from vectors.
///
/// # Errors
/// Any; an index that was there is then unchanged, and what was encoded is kept.
pub fn run(args: &BuildArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        let phases = Phases::new();
        let built = match &args.embeddings {
            Some(directory) => from_vectors(args, directory, &phases),
            None => from_text(args, &phases),
        };
        let (report, tally) = built.map_err(|error| stopped(args, error))?;
        phases.end();
        summarise(args, &report, &tally)
    })
}

/// What to say of a build that stopped: what is kept of it, and the command that goes on.
fn stopped(args: &BuildArgs, error: CliError) -> CliError {
    let kept = match IndexWriter::unfinished(&args.index.path) {
        Ok(Some(build)) => format!(
            "{} of {} encoded and kept; to go on:\n  {}",
            number::count(build.encoded),
            number::counted(build.documents, "document"),
            command_line::with_flag("--resume"),
        ),
        _ => String::new(),
    };
    match error {
        _ if interrupt::asked() && kept.is_empty() => CliError::Interrupted(
            "no index was made, and one that was there is unchanged; run the same command again to build it".to_owned(),
        ),
        _ if interrupt::asked() => CliError::Interrupted(kept),
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

fn from_text(args: &BuildArgs, phases: &Phases) -> Result<(CommitReport, Tally), CliError> {
    let Some(location) = &args.model else {
        return Err(CliError::Usage(
            "--model is needed to build from text".to_owned(),
        ));
    };
    // What can fail at once fails before the checkpoint is loaded, and before a directory is made.
    let corpus = Corpus::open(&args.corpus, args.reading.options())?;
    let options = options(args)?;
    let Model {
        encoder, location, ..
    } = model::open(location, &args.encoder.options())?;
    let info = encoder.info();
    let options = options.model(Some(model_info(info, location, args.encoder.precision)));
    // Until here there is nothing to clean up.
    interrupt::install()?;
    let mut builder = IndexWriter::create(&args.index.path, options)?;
    let mut tally = Tally::of(info.document_length);
    let skip = args.reading.skip_bad_lines;
    intake::read(corpus, skip, &mut tally, phases, &mut |document, place| {
        builder.add(document).map_err(|e| refused(place, e))
    })?;
    let mut source = EncoderSource::new(&encoder);
    let report = builder.commit(&mut source, &Watch(phases))?;
    tally.truncated = source.truncated();
    Ok((report, tally))
}

fn from_vectors(
    args: &BuildArgs,
    directory: &Path,
    phases: &Phases,
) -> Result<(CommitReport, Tally), CliError> {
    interrupt::install()?;
    let embeddings = Embeddings::open(directory)?;
    let mut builder = IndexWriter::create(&args.index.path, options(args)?)?;
    intake::keys(directory, &embeddings, &mut |document, place| {
        builder.add(document).map_err(|e| refused(place, e))
    })?;
    let mut source = EmbeddingsSource {
        embeddings,
        fingerprint: embeddings::fingerprint(directory),
    };
    let report = builder.commit(&mut source, &Watch(phases))?;
    Ok((report, Tally::default()))
}

fn options(args: &BuildArgs) -> Result<BuildOptions, CliError> {
    Ok(BuildOptions::default()
        .nbits(args.nbits)
        .centroids(args.centroids.map(|n| n as usize))
        .engine(args.clustering.engine()?)
        .memory(usize::try_from(args.memory).unwrap_or(usize::MAX))
        .seed(args.seed)
        .force(args.force)
        .resume(args.resume)
        .checkpoint(Duration::from_secs(args.checkpoint)))
}

/// What the index is to remember of the checkpoint.
fn model_info(info: &CheckpointInfo, location: String, precision: Precision) -> ModelInfo {
    ModelInfo {
        name: info.name.clone(),
        location,
        fingerprint: info.fingerprint.clone(),
        architecture: info.architecture.clone(),
        document_length: info.document_length,
        query_length: info.query_length,
        document_marker: info.document_marker.clone(),
        query_marker: info.query_marker.clone(),
        document_prompt: info.document_prompt.clone(),
        query_prompt: info.query_prompt.clone(),
        skiplist: info.skiplist.clone(),
        precision: precision.to_string(),
    }
}

fn summarise(args: &BuildArgs, report: &CommitReport, tally: &Tally) -> Result<(), CliError> {
    note(&format!(
        "{}: {}, {}, {}",
        args.index.path.display(),
        number::counted(report.added, "document"),
        number::counted(report.vectors, "vector"),
        number::counted(report.centroids as u64, "centroid"),
    ));
    note(&format!(
        "size: {}",
        info::size(&Index::open(&args.index.path)?.info()?)
    ));
    if let Some(before) = report.resumed {
        let before = number::counted(before, "document");
        note(&format!("resumed: {before} had been encoded before"));
    }
    let of = report.resumed.map_or("", |_| " of those encoded now");
    for line in tally.left_out(of, report.without_text, report.without_vectors) {
        note(&line);
    }
    intake::tell_times(&report.phases);
    Ok(())
}
