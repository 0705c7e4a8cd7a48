//! `colidx export`

use colidx::Index;
use colidx::export::{ExportError, export};

use crate::args::{ExportArgs, ExportAs};
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Protected, note};
use crate::progress::{Phases, Unit};
use crate::render::number;

/// Documents written between two updates of the progress bar.
const STEP: u64 = 64;

/// Writes the documents of an index in a form that others read.
///
/// # Errors
/// The index is damaged, or the output bad; no file then looks whole.
pub fn run(args: &ExportArgs) -> Result<(), CliError> {
    if args.nbits.is_some() && args.form != ExportAs::FastPlaid {
        let text = "--nbits goes with --as fast-plaid; leave it out";
        return Err(CliError::Usage(text.to_owned()));
    }
    let guard = Protected::new(colidx::MAGIC)
        .allow_replacing(args.force)
        .index(&args.index.path);
    let index = Index::open(&args.index.path)?;
    interrupt::install()?;
    let phases = Phases::new();
    let total = index.num_documents();
    phases.begin("exporting", Some(total), Unit::Things("document"));
    let mut watch = |done: u64| {
        if done.is_multiple_of(STEP) {
            phases.set(done);
        }
        !interrupt::requested()
    };
    let done = export(&index, &args.out, &args.options(), &guard, &mut watch);
    let done = done.map_err(|error| match error {
        ExportError::Cancelled => {
            CliError::Interrupted("nothing was written; run the command again".to_owned())
        }
        ExportError::Index(error) => CliError::Index(error),
        ExportError::Output(error) => CliError::from(error),
        error => CliError::Export(Box::new(error)),
    })?;
    phases.end();
    note(&format!(
        "{}: {}, {} of dimension {}",
        args.out.display(),
        number::counted(done.documents, "document"),
        number::counted(done.vectors, "vector"),
        index.dim()
    ));
    if done.fields_left_out > 0 {
        let count = number::counted(done.fields_left_out, "field");
        note(&format!(
            "left out: {count} of metadata called _id, title, text or vectors"
        ));
    }
    Ok(())
}
