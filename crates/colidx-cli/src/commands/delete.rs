//! `colidx delete`

use std::collections::HashSet;

use colidx::{IndexWriter, NoVectors, WriterOptions};
use serde::Serialize;

use super::ingest::ProgressAdapter;
use crate::args::DeleteArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Stdout, note};
use crate::progress::Phases;
use crate::render::number;
use crate::scope::{matching, parse_filter};
use colidx_data::read_keys;

#[derive(Serialize)]
struct DeleteLine {
    index: String,
    generation: u64,
    documents: u64,
    deleted: u64,
    missing: u64,
}

/// Deletes documents from an index.
///
/// # Errors
/// Any; the index is then unchanged.
pub fn run(args: &DeleteArgs) -> Result<(), CliError> {
    interrupt::install()?;
    let phases = Phases::new();
    let deleted = delete(args, &phases);
    let line = deleted.map_err(super::unchanged)?;
    phases.end();
    note(&format!(
        "{}: {} deleted, {} left",
        line.index,
        number::counted(line.deleted, "document"),
        number::count(line.documents),
    ));
    if line.missing > 0 {
        let missing = number::counted(line.missing, "key");
        note(&format!("skipped: {missing} not in the index"));
    }
    if args.json {
        let mut out = Stdout::lock();
        out.json(&line)?;
        out.flush()?;
    }
    Ok(())
}

/// Stages the deletion of the documents that match a filter.
fn delete_matching(writer: &mut IndexWriter, text: &str) -> Result<(), CliError> {
    let filter = parse_filter(text)?;
    let Some(index) = writer.index().cloned() else {
        return Ok(());
    };
    for doc in matching(&index, text, &filter)?.iter() {
        writer.delete(index.key(doc)?)?;
    }
    Ok(())
}

fn delete(args: &DeleteArgs, phases: &Phases) -> Result<DeleteLine, CliError> {
    let listed = match &args.keys {
        Some(file) => read_keys(file)?,
        None => Vec::new(),
    };
    let mut writer = IndexWriter::open(&args.index.path, WriterOptions::default())?;
    if let Some(text) = &args.filter {
        delete_matching(&mut writer, text)?;
    }
    let mut missing = 0;
    let mut seen = HashSet::new();
    let typed = args.key.iter().map(|key| (None, key));
    let listed = listed.iter().map(|(place, key)| (Some(place), key));
    for (place, key) in typed.chain(listed) {
        if !seen.insert(key) || writer.delete(key)? {
            continue;
        }
        if !args.skip_missing {
            return Err(CliError::UnknownKey {
                place: place.map_or_else(String::new, |place| format!("{place}: ")),
                key: key.into(),
            });
        }
        missing += 1;
    }
    let report = writer.commit(&mut NoVectors, &ProgressAdapter(phases))?;
    super::tell_unmerged(&report);
    Ok(DeleteLine {
        index: args.index.path.display().to_string(),
        generation: report.generation,
        documents: writer.index().map_or(0, |index| index.num_documents()),
        deleted: report.deleted,
        missing,
    })
}
