//! Arguments: one module per command, and the flags that several commands share.

mod analyzer;
mod bench;
mod build;
mod by;
mod change;
mod corpus;
mod effect;
mod effort;
mod encode;
mod encoder;
mod eval;
mod export;
mod import;
mod input;
mod inspect;
#[cfg(feature = "mcp")]
mod mcp;
mod numbers;
mod queries;
mod rerank;
mod run_out;
mod scope;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod shell;
mod size;
mod tune;
mod vectors;
mod writing;

pub use analyzer::AnalyzerArgs;
pub use bench::BenchArgs;
pub use build::BuildArgs;
pub use by::ByArgs;
pub use change::{AddArgs, CompactArgs, DeleteArgs, IngestArgs, UpdateArgs};
pub use corpus::CorpusArgs;
pub use effort::EffortArgs;
pub use encode::{EncodeArgs, EncodeAs, EncodeType};
pub use encoder::{EncoderArgs, QueryModelArgs};
pub use eval::EvalArgs;
pub use export::{ExportArgs, ExportAs};
pub use import::ImportArgs;
pub use input::InputArgs;
pub use inspect::{ExplainArgs, InfoArgs, ModelArgs, VerifyArgs};
#[cfg(feature = "mcp")]
pub use mcp::McpArgs;
pub use numbers::share;
use numbers::{at_least_one, thread_count, up_to_a_million};
pub use queries::QueryFileArgs;
pub use rerank::RerankArgs;
pub use run_out::RunOutArgs;
pub use scope::ScopeArgs;
pub use search::SearchArgs;
#[cfg(feature = "serve")]
pub use serve::ServeArgs;
pub use shell::{AgentsArgs, CompletionsArgs, ManArgs};
pub use size::parse_size;
pub use tune::TuneArgs;
pub use vectors::VectorsArgs;
pub use writing::{Clustering, WritingArgs};

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "colidx",
    bin_name = "colidx",
    version,
    about = "Late-interaction (ColBERT) search on disk: one binary, one directory.",
    after_help = "Examples:\n  \
        colidx build docs/ --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
        colidx search --index docs.colidx \"how do I open a memory map\"\n\n\
        Results go to standard output, everything else to standard error.\n\
        Exit status: 0 on success, 1 on failure, 2 on wrong usage, 128 + N after signal N\n\
        (Ctrl-C: 130). The first signal stops cleanly, the second quits at once."
)]
pub struct Cli {
    /// When to color output; auto, the default, does so on a terminal unless NO_COLOR is set.
    ///
    /// `always` also keeps the layout of a terminal in a pipe, for example into `less -R`.
    #[arg(
        long, global = true, value_enum, value_name = "auto|always|never", display_order = 900,
        default_value_t = Color::Auto, hide_default_value = true, hide_possible_values = true
    )]
    pub color: Color,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build an index from a corpus or from vectors.
    Build(BuildArgs),
    /// Build an index from that of another engine: ColBERT, RAGatouille, PLAID, WARP, PyLate.
    Import(ImportArgs),
    /// Write vectors, texts and metadata of an index to files, or as a fast-plaid index.
    Export(ExportArgs),
    /// Add documents to an index.
    Add(AddArgs),
    /// Add documents to an index, replacing those with the same key.
    Update(UpdateArgs),
    /// Delete documents from an index.
    Delete(DeleteArgs),
    /// Merge segments and drop deleted documents; optionally retrain the codebook.
    Compact(CompactArgs),
    /// Search an index: one query, a query file, or interactively.
    Search(SearchArgs),
    /// Score the documents of a run, or texts that are in no index, by exact MaxSim.
    Rerank(RerankArgs),
    /// Measure ranking quality against relevance judgements.
    Eval(EvalArgs),
    /// Measure search speed.
    Bench(BenchArgs),
    /// Measure the recall of searches at each effort and store it in the index, for `--recall`.
    Tune(TuneArgs),
    /// Encode text as token vectors in .npy files, without an index.
    Encode(EncodeArgs),
    /// Show the properties of a checkpoint.
    Model(ModelArgs),
    /// Show what an index contains and its size by file.
    Info(InfoArgs),
    /// Check every checksum and offset of an index.
    Verify(VerifyArgs),
    /// Show which query token matched which word of a document, with scores.
    Explain(ExplainArgs),
    /// Serve indexes over HTTP: search, documents, reranking, metrics and a search page.
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Serve search tools to a language model on standard input and output.
    #[cfg(feature = "mcp")]
    Mcp(McpArgs),
    /// Print text for an AGENTS.md that tells coding agents how to search.
    Agents(AgentsArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Write manual pages.
    Man(ManArgs),
}

impl Cli {
    /// Reads arguments, the first of which names the program.
    ///
    /// # Errors
    /// They are wrong, or ask for help.
    pub fn read_from<T: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Cli, clap::Error> {
        let mut definition = Cli::definition();
        let matches = definition.try_get_matches_from_mut(arguments)?;
        effect::check(&matches, &mut definition)?;
        Cli::from_arg_matches(&matches)
    }

    /// The command line with everything that is derived from it.
    pub fn definition() -> clap::Command {
        let command = Cli::command().long_version(crate::version::long());
        #[cfg(feature = "serve")]
        let command = command.mut_subcommand("serve", serve::with_environment);
        command
    }
}

/// When to color output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says no.
    #[default]
    Auto,
    /// Always, with hits in the layout of a terminal.
    Always,
    /// Never.
    Never,
}

/// The index of a command.
#[derive(Debug, Args)]
pub struct IndexArg {
    /// Index directory.
    #[arg(long = "index", value_name = "DIR")]
    pub path: PathBuf,
}

/// How much memory a command that writes may use.
#[derive(Debug, Args)]
pub struct MemoryArg {
    /// Memory limit.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    memory: u64,
}

impl MemoryArg {
    /// The limit in bytes.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.memory).unwrap_or(usize::MAX)
    }
}

/// Number of threads.
#[derive(Debug, Args)]
pub struct ThreadsArg {
    /// Number of threads [default: RAYON_NUM_THREADS, or one per core].
    #[arg(long, value_name = "N", value_parser = thread_count())]
    pub threads: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn every_help_shows_an_example() {
        let mut cli = Cli::definition();
        assert!(cli.render_long_help().to_string().contains("Example"));
        for command in cli
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            let help = command.render_long_help().to_string();
            let call = format!("  colidx {} ", command.get_name());
            assert!(
                help.contains("Example") && help.contains(&call),
                "{}:\n{help}",
                command.get_name()
            );
        }
    }
}
