//! The commands.

pub mod add;
pub mod bench;
pub mod build;
pub mod compact;
pub mod delete;
pub mod encode;
pub mod eval;
pub mod explain;
pub mod export;
mod hits;
pub mod import;
pub mod info;
mod ingest;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod model;
pub mod rerank;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod shell;
pub mod tune;
mod vectors;
pub mod verify;

use colidx::{CommitReport, Index};

use crate::args::{Command, ThreadsArg};
use crate::error::CliError;
use crate::interrupt;
use crate::output::note;
use crate::places;

/// Runs a command.
///
/// # Errors
/// The command's.
pub fn run(command: &Command) -> Result<(), CliError> {
    colidx_kernels::selected()?;
    places::check(command)?;
    match command {
        Command::Build(args) => build::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Add(args) => add::run(&args.ingest, args.replace),
        Command::Update(args) => add::run(&args.ingest, true),
        Command::Delete(args) => on_threads(colidx_threads::count(), || delete::run(args)),
        Command::Compact(args) => compact::run(args),
        Command::Search(args) => search::run(args),
        Command::Rerank(args) => rerank::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Tune(args) => tune::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Model(args) => on_threads(colidx_threads::count(), || model::run(args)),
        Command::Info(args) => on_threads(1, || info::run(args)),
        Command::Verify(args) => on_threads(colidx_threads::count(), || verify::run(args)),
        Command::Explain(args) => on_threads(colidx_threads::count(), || explain::run(args)),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(args),
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => mcp::run(args),
        Command::Agents(args) => shell::agents(args),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    }
}

/// Runs `work` on the requested number of threads, or one per core.
fn with_threads<T: Send>(
    threads: &ThreadsArg,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    let threads = threads.threads.map_or_else(colidx_threads::count, |most| {
        colidx_threads::affordable(most.into())
    });
    on_threads(threads, work)
}

/// Runs `work` on a pool of `threads` threads.
fn on_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    let mut builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    if threads == 1 {
        // The current thread is enough.
        builder = builder.use_current_thread();
    }
    let pool = builder.build().map_err(|error| CliError::Setup {
        what: "threads",
        reason: format!("{error}; RAYON_NUM_THREADS=1 starts none"),
    })?;
    pool.install(work)
}

/// Refuses to measure searches that find nothing.
fn need_documents(index: &Index) -> Result<(), CliError> {
    match index.num_documents() {
        0 => Err(CliError::NoDocuments(index.path().to_owned())),
        _ => Ok(()),
    }
}

/// Says that an interrupted change did nothing.
fn unchanged(error: CliError) -> CliError {
    if interrupt::requested() {
        return CliError::Interrupted("the index is unchanged; run the command again".to_owned());
    }
    error
}

/// Prints why segments were not merged after a commit, if so.
fn tell_unmerged(report: &CommitReport) {
    match &report.unmerged {
        None => {}
        Some(colidx::Error::Cancelled) => {
            note("committed; merging was interrupted, the next commit resumes it");
        }
        Some(error) => note(&format!(
            "committed; merging failed, the next commit retries it: {error}"
        )),
    }
}
