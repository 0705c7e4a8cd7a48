//! `colidx tune`

use colidx::{Index, IndexWriter, Query, RecallTable, SearchBy, WriterOptions};

use super::ingest::ProgressAdapter;
use super::{need_documents, unchanged, with_threads};
use crate::args::TuneArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Painted, Stdout, stdout_is_terminal};
use crate::progress::{Phases, Unit};
use crate::queries::{Queries, QuerySource};
use crate::render::table::{Align, table};

/// Measures what searches find at each effort, and writes it into the index.
///
/// # Errors
/// A file or the index is bad, or another writer has the index.
pub fn run(args: &TuneArgs) -> Result<(), CliError> {
    args.queries.require()?;
    with_threads(&args.threads, || {
        let index = Index::open(&args.index.path)?;
        need_documents(&index)?;
        let phases = Phases::new();
        let queries = queries(args, &index, &phases)?;
        let ks: Vec<usize> = args.k.iter().map(|&k| k as usize).collect();
        interrupt::install()?;
        let options = WriterOptions::default().model(index.model().cloned());
        let mut writer = IndexWriter::open(&args.index.path, options)?;
        let table = writer.tune(&queries, &ks, &ProgressAdapter(&phases));
        let table = table.map_err(|error| unchanged(error.into()))?;
        phases.end();
        let mut out = Stdout::lock();
        match args.json || !stdout_is_terminal() {
            true => out.json(&table)?,
            false => out.painted(&shown(&table))?,
        }
        out.flush()
    })
}

/// The rows of a table of recall, for people.
fn shown(measured: &RecallTable) -> Painted {
    let heading = ["k", "effort", "recall", "milliseconds"];
    let rows = measured.rows.iter().map(|row| {
        vec![
            row.k.to_string(),
            format!("{}", row.effort),
            format!("{:.3}", row.recall),
            format!("{:.2}", row.milliseconds),
        ]
    });
    let heading = heading.map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    table(&[Align::Right; 4], &rows, 0)
}

fn queries(args: &TuneArgs, index: &Index, phases: &Phases) -> Result<Vec<Query>, CliError> {
    let from = QuerySource {
        files: &args.queries,
        model: &args.model,
    };
    let mut queries = Queries::open(index, &from, SearchBy::Vectors)?;
    let total = queries.keys().len() as u64;
    phases.begin("encoding", Some(total), Unit::Things("query"));
    let encoded = queries.get_each(|done| phases.set(done as u64))?;
    phases.end();
    queries.tell_empty()?;
    let encoded = encoded.into_iter().flatten();
    Ok(encoded.map(|(query, _)| query).collect())
}
