//! Where a run is written, for every command that makes one.

use std::path::PathBuf;

use clap::Args;

/// Flags about the file of a run.
#[derive(Debug, Args)]
pub struct RunOutArgs {
    /// Write the hits of a query file to FILE, as a TREC run.
    ///
    /// Links are followed; pipes, devices and /dev/stdout are written to directly. An existing
    /// file is replaced only with --force, and never if it is part of an index or an input.
    ///
    /// Columns of a TREC run end at white space. A key that is empty or holds white space, control
    /// or direction characters is written as `%:` and the key with those characters
    /// percent-encoded: `my note.md` becomes `%:my%20note.md`. `colidx eval` reads judgements with
    /// keys in either form.
    #[arg(long = "run-out", id = "run_out", value_name = "FILE")]
    pub path: Option<PathBuf>,

    /// Replace the file of --run-out if it exists.
    #[arg(long)]
    pub force: bool,
}
