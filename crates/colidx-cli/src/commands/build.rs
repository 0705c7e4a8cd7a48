//! `colidx build`

use std::path::Path;
use std::time::Duration;

use colidx::{
    BuildOptions, BuildReport, Engine, IndexBuilder, ModelInfo, NewDocument, Phase, Progress,
};
use colidx_encoder::{CheckpointInfo, Precision};

use super::with_threads;
use crate::args::{BuildArgs, Clustering};
use crate::command_line;
use crate::encoding::{EmbeddingsSource, EncoderSource};
use crate::error::CliError;
use crate::input::embeddings::{self, Embeddings};
use crate::input::{Corpus, CorpusReport};
use crate::interrupt;
use crate::model::{self, Model};
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;

/// Documents read between two updates of the bar.
const READ_STEP: usize = 256;

/// What was found in the documents, beside what the engine reports.
#[derive(Default)]
struct Tally {
    corpus: Option<CorpusReport>,
    refused: u64,
    refused_messages: Vec<String>,
    truncated: u64,
    document_length: usize,
}

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
        summarise(args, &report, &tally);
        Ok(())
    })
}

/// What to say of a build that stopped: what is kept of it, and the command that goes on.
fn stopped(args: &BuildArgs, error: CliError) -> CliError {
    let kept = match IndexBuilder::unfinished(&args.index.path) {
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
            | colidx::Error::Cluster(_),
        ) if !kept.is_empty() => CliError::Unfinished {
            source: Box::new(error),
            kept,
        },
        error => error,
    }
}

fn from_text(args: &BuildArgs, phases: &Phases) -> Result<(BuildReport, Tally), CliError> {
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
    let options = BuildOptions {
        model: Some(model_info(info, location, args.encoder.precision)),
        ..options
    };
    // Until here there is nothing to clean up.
    interrupt::install()?;
    let mut builder = IndexBuilder::create(&args.index.path, options)?;
    let mut tally = Tally {
        document_length: info.document_length,
        ..Tally::default()
    };
    read(
        corpus,
        &mut builder,
        args.reading.skip_bad_lines,
        &mut tally,
        phases,
    )?;
    let mut source = EncoderSource::new(&encoder);
    let report = builder.finish(&mut source, &Watch(phases))?;
    tally.truncated = source.truncated();
    Ok((report, tally))
}

fn from_vectors(
    args: &BuildArgs,
    directory: &Path,
    phases: &Phases,
) -> Result<(BuildReport, Tally), CliError> {
    interrupt::install()?;
    let embeddings = Embeddings::open(directory)?;
    let mut builder = IndexBuilder::create(&args.index.path, options(args)?)?;
    for (line, key) in (1u64..).zip(embeddings.keys()?) {
        let key = key?;
        let add = builder.add(&NewDocument {
            key: &key,
            ..NewDocument::default()
        });
        let place = || format!("{}:{line}", directory.join("doc_keys.txt").display());
        add.map_err(|source| CliError::Document {
            place: place(),
            source: Box::new(source),
        })?;
    }
    let mut source = EmbeddingsSource {
        embeddings,
        fingerprint: embeddings::fingerprint(directory),
    };
    let report = builder.finish(&mut source, &Watch(phases))?;
    Ok((report, Tally::default()))
}

fn options(args: &BuildArgs) -> Result<BuildOptions, CliError> {
    let engine = match args.clustering {
        Clustering::Builtin => Engine::Builtin,
        Clustering::Faiss if !cfg!(feature = "faiss") => {
            return Err(CliError::Usage(
                "this colidx was built without faiss; leave --clustering out, or build it with the feature `faiss`".to_owned(),
            ));
        }
        Clustering::Faiss => Engine::Faiss,
    };
    Ok(BuildOptions {
        nbits: args.nbits,
        centroids: args.centroids.map(|n| n as usize),
        engine,
        memory: usize::try_from(args.memory).unwrap_or(usize::MAX),
        seed: args.seed,
        force: args.force,
        resume: args.resume,
        checkpoint: Duration::from_secs(args.checkpoint),
        ..BuildOptions::default()
    })
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
        skiplist: info.skiplist.clone(),
        precision: precision.to_string(),
    }
}

/// Streams the corpus into the builder.
fn read(
    mut corpus: Corpus,
    builder: &mut IndexBuilder,
    skip_bad_lines: bool,
    tally: &mut Tally,
    phases: &Phases,
) -> Result<(), CliError> {
    let total = corpus.bytes_total();
    phases.begin("reading", total, Unit::Bytes);
    let mut metadata = String::new();
    while let Some(document) = corpus.next() {
        let document = document?;
        if interrupt::asked() {
            return Err(colidx::Error::Cancelled.into());
        }
        metadata.clear();
        if !document.metadata.is_empty() {
            metadata = serde_json::Value::Object(document.metadata).to_string();
        }
        let new = NewDocument {
            key: &document.key,
            title: &document.title,
            text: &document.text,
            metadata: &metadata,
        };
        if let Err(source) = builder.add(&new) {
            let refused = matches!(
                source,
                colidx::Error::DuplicateKey { .. }
                    | colidx::Error::InvalidKey { .. }
                    | colidx::Error::DocumentTooLarge { .. }
            );
            let error = CliError::Document {
                place: document.place.to_string(),
                source: Box::new(source),
            };
            if !(refused && skip_bad_lines) {
                return Err(error);
            }
            tally.refused += 1;
            if tally.refused_messages.len() < 5 {
                tally.refused_messages.push(error.to_string());
            }
        }
        if builder.len().is_multiple_of(READ_STEP) {
            phases.set(corpus.bytes_read());
        }
    }
    phases.set(corpus.bytes_read());
    tally.corpus = Some(corpus.report().clone());
    Ok(())
}

/// The engine's progress, shown.
struct Watch<'a>(&'a Phases);

impl Progress for Watch<'_> {
    fn phase(&self, phase: Phase, total: Option<u64>) {
        let (name, unit) = match phase {
            Phase::Sample => ("encoding a sample", Unit::Things("document")),
            Phase::Train => ("training the codebook", Unit::Share),
            Phase::Encode => ("encoding", Unit::Things("document")),
            Phase::Postings => ("inverting", Unit::Share),
            Phase::Commit => ("committing", Unit::Share),
            _ => ("working", Unit::Share),
        };
        self.0.begin(name, total, unit);
    }

    fn resume(&self, done: u64) {
        self.0.start_at(done);
    }

    fn advance(&self, done: u64) {
        self.0.set(done);
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }
}

fn summarise(args: &BuildArgs, report: &BuildReport, tally: &Tally) {
    note(&format!(
        "{}: {}, {}, {}",
        args.index.path.display(),
        number::counted(report.documents, "document"),
        number::counted(report.vectors, "vector"),
        number::counted(report.centroids as u64, "centroid"),
    ));
    note(&format!(
        "{} on disk, {} of them text; {:.1} bytes a vector without the text",
        number::bytes(report.bytes),
        number::bytes(report.text_bytes),
        report.bytes_per_vector()
    ));
    for line in left_out(report, tally) {
        note(&line);
    }
    let times: Vec<String> = report
        .phases
        .iter()
        .map(|(phase, took)| format!("{phase} {}", number::time(*took)))
        .collect();
    note(&format!("time: {}", times.join(", ")));
}

/// What was shortened, empty or left out; nothing of it is silent.
fn left_out(report: &BuildReport, tally: &Tally) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(before) = report.resumed {
        lines.push(format!(
            "resumed: {} had been encoded before",
            number::counted(before, "document")
        ));
    }
    if tally.truncated > 0 {
        let of = match report.resumed {
            Some(_) => " of those encoded now",
            None => "",
        };
        lines.push(format!(
            "truncated: {}{of}, of which the first {} tokens were indexed",
            number::counted(tally.truncated, "document"),
            tally.document_length
        ));
    }
    let empty = report
        .without_text
        .max(tally.corpus.as_ref().map_or(0, |corpus| corpus.empty));
    if empty > 0 || report.without_vectors > 0 {
        lines.push(format!(
            "empty: {} without text, {} without vectors",
            number::counted(empty, "document"),
            number::count(report.without_vectors)
        ));
    }
    let (bad_lines, messages) = tally.corpus.as_ref().map_or((0, &[][..]), |corpus| {
        (corpus.bad_lines, &corpus.bad_line_messages[..])
    });
    if bad_lines + tally.refused > 0 {
        lines.push(format!(
            "skipped: {}",
            number::counted(bad_lines + tally.refused, "bad line")
        ));
        let shown = messages.iter().chain(&tally.refused_messages);
        lines.extend(shown.map(|message| format!("  {message}")));
    }
    if let Some(corpus) = tally
        .corpus
        .as_ref()
        .filter(|corpus| corpus.skipped_files > 0)
    {
        lines.push(format!(
            "skipped: {} of other formats",
            number::counted(corpus.skipped_files, "file")
        ));
    }
    lines
}
