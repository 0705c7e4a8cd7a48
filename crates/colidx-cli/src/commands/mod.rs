//! What each command does.

pub mod add;
pub mod bench;
pub mod build;
pub mod compact;
pub mod delete;
pub mod encode;
pub mod eval;
pub mod explain;
pub mod info;
mod intake;
pub mod model;
pub mod search;
pub mod verify;

use colidx::CommitReport;

use crate::args::{Command, ThreadsArg};
use crate::error::CliError;
use crate::interrupt;
use crate::output::note;

/// Runs a command.
///
/// # Errors
/// The command's.
pub fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Build(args) => build::run(args),
        Command::Add(args) => add::run(&args.intake, args.replace),
        Command::Update(args) => add::run(&args.intake, true),
        Command::Delete(args) => delete::run(args),
        Command::Compact(args) => compact::run(args),
        Command::Search(args) => search::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Model(args) => model::run(args),
        Command::Info(args) => info::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Explain(args) => explain::run(args),
    }
}

/// Runs `work` on as many threads as were asked for.
fn with_threads<T: Send>(
    threads: &ThreadsArg,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    match threads.threads {
        Some(threads) => on_threads(usize::from(threads), work),
        None => work(),
    }
}

/// Runs `work` on a pool of `threads` threads.
fn on_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| CliError::Setup {
        what: "threads",
        reason: error.to_string(),
    })?;
    pool.install(work)
}

/// What to say of a change that stopped: nothing was done.
fn unchanged(error: CliError) -> CliError {
    if interrupt::asked() {
        return CliError::Interrupted(
            "the index is unchanged; run the same command again".to_owned(),
        );
    }
    error
}

/// Says why segments were not merged after a commit, if they were not.
fn tell_unmerged(report: &CommitReport) {
    match &report.unmerged {
        None => {}
        Some(colidx::Error::Cancelled) => {
            note("committed; merging was stopped, and the next commit goes on with it");
        }
        Some(error) => note(&format!(
            "committed; merging failed, and the next commit tries again: {error}"
        )),
    }
}
