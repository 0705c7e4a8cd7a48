//! `colidx import`

use colidx::import::{ForeignIndex, ForeignSource, new_document, other_settings};
use colidx::{CommitReport, IndexWriter, ModelInfo, TextError};

use super::build;
use super::ingest::{IngestSummary, ProgressAdapter};
use super::with_threads;
use crate::args::ImportArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::model;
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;

/// Documents read between two updates of the progress bar.
const READ_STEP: u64 = 256;

/// Builds an index from that of another engine.
///
/// # Errors
/// Any; an existing index is then unchanged, and what was written is kept to resume.
pub fn run(args: &ImportArgs) -> Result<(), CliError> {
    with_threads(&args.writing.threads, || {
        let mut foreign = ForeignIndex::open_with(&args.foreign, &args.options())?;
        describe(args, &foreign);
        if foreign.is_empty() {
            return Err(CliError::NothingIngested(String::new()));
        }
        let nbits = args.writing.nbits.unwrap_or(foreign.suggested_nbits());
        let (model, contradiction) = model(args, &foreign)?;
        let options = build::options(&args.writing)?.nbits(nbits).model(model);
        interrupt::install()?;
        let mut writer = IndexWriter::create(&args.index.path, options)?;
        let phases = Phases::new();
        let report = import(&mut foreign, &mut writer, &phases);
        let report = report.map_err(|error| build::stopped(&args.index.path, error))?;
        phases.end();
        foreign
            .report()
            .notes()
            .iter()
            .for_each(|line| note(&line.to_string()));
        contradiction.iter().for_each(|line| note(line));
        build::summarise(&args.index.path, &report, &IngestSummary::default())
    })
}

fn import(
    foreign: &mut ForeignIndex,
    writer: &mut IndexWriter,
    phases: &Phases,
) -> Result<CommitReport, CliError> {
    phases.begin(
        "reading",
        Some(foreign.len() as u64),
        Unit::Things("document"),
    );
    for (count, document) in (0u64..).zip(foreign.documents()) {
        let document = document?;
        if count.is_multiple_of(READ_STEP) {
            phases.set(count);
            if interrupt::requested() {
                return Err(colidx::Error::Cancelled.into());
            }
        }
        writer.add(new_document(&document))?;
    }
    let mut source = ForeignSource::new(foreign);
    Ok(writer.commit(&mut source, &ProgressAdapter(phases))?)
}

/// Says what was found.
fn describe(args: &ImportArgs, foreign: &ForeignIndex) {
    note(&format!(
        "{}: {}, {}, {} of dim {}, {}",
        args.foreign.display(),
        foreign.engine(),
        number::counted(foreign.len() as u64, "document"),
        number::counted(foreign.vector_count(), "vector"),
        foreign.dim(),
        if foreign.has_originals() {
            "as they were given"
        } else {
            "decoded"
        },
    ));
    if let (Some(model), None) = (foreign.model(), &args.model) {
        note(&format!(
            "made by the checkpoint {}; name it with --model to search by text",
            model.checkpoint
        ));
    }
}

/// The checkpoint to record, and what the other engine recorded otherwise. Lengths that the other
/// engine encoded with count, unless flags say otherwise.
fn model(
    args: &ImportArgs,
    foreign: &ForeignIndex,
) -> Result<(Option<ModelInfo>, Option<String>), CliError> {
    let Some(name) = &args.model else {
        return Ok((None, None));
    };
    let mut options = args.encoder.options();
    if let Some(known) = foreign.model() {
        let length = |tokens: Option<u64>| tokens.and_then(|tokens| usize::try_from(tokens).ok());
        options.query_length = options.query_length.or(length(known.query_length));
        options.document_length = options.document_length.or(length(known.document_length));
    }
    let model = model::open(name, &options)?;
    if model.info().dim != foreign.dim() {
        let wrong = TextError::WrongDimension {
            model: name.into(),
            index: args.foreign.clone(),
            expected: foreign.dim(),
            got: model.info().dim,
        };
        return Err(wrong.into());
    }
    let known = foreign.model();
    let contradiction = known.and_then(|known| other_settings(known, model.info()));
    Ok((Some(model.to_record()), contradiction))
}
