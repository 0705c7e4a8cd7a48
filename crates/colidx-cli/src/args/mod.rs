//! What can be typed: one module a command, and the flags that several commands share.

mod bench;
mod build;
mod change;
mod corpus;
mod effort;
mod encode;
mod encoder;
mod eval;
mod inspect;
mod search;
mod size;

pub use bench::BenchArgs;
pub use build::{BuildArgs, Clustering};
pub use change::{AddArgs, CompactArgs, DeleteArgs, IngestArgs, UpdateArgs};
pub use corpus::CorpusArgs;
pub use effort::EffortArgs;
pub use encode::{EncodeArgs, EncodeAs, EncodeType};
pub use encoder::{EncoderArgs, QueryModelArgs};
pub use eval::EvalArgs;
pub use inspect::{ExplainArgs, InfoArgs, ModelArgs, VerifyArgs};
pub use search::SearchArgs;
pub use size::parse_size;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "colidx",
    bin_name = "colidx",
    version,
    about = "Late-interaction (ColBERT) search on disk: one binary, one directory.",
    after_help = "Example:\n  \
        colidx build docs/ --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
        colidx search --index docs.colidx \"how do I open a memory map\"\n\n\
        Results go to standard output, everything else to standard error.\n\
        Exit status: 0 on success, 1 on failure, 2 on wrong usage, 128 and its number after a signal\n\
        that asked to stop (Ctrl-C: 130). The first signal stops in an orderly way, the second at once."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an index from a corpus or from vectors.
    Build(BuildArgs),
    /// Add documents to an index.
    Add(AddArgs),
    /// Replace documents of an index, and add those that it does not have.
    Update(UpdateArgs),
    /// Delete documents from an index.
    Delete(DeleteArgs),
    /// Put an index together anew, without what was deleted; or learn a new codebook for it.
    Compact(CompactArgs),
    /// Search an index: one query, a file of queries, or interactively.
    Search(SearchArgs),
    /// Measure ranking quality against relevance judgements.
    Eval(EvalArgs),
    /// Measure search speed.
    Bench(BenchArgs),
    /// Turn text into token vectors in .npy files, without an index.
    Encode(EncodeArgs),
    /// Show what a checkpoint is.
    Model(ModelArgs),
    /// Show what an index holds and where its bytes are.
    Info(InfoArgs),
    /// Check every checksum and every offset of an index.
    Verify(VerifyArgs),
    /// Show which query token matched which word of a document, and how well.
    Explain(ExplainArgs),
}

/// The index a command works on.
#[derive(Debug, Args)]
pub struct IndexArg {
    /// Directory of the index.
    #[arg(long = "index", value_name = "DIR")]
    pub path: PathBuf,
}

/// How many threads a command may use.
#[derive(Debug, Args)]
pub struct ThreadsArg {
    /// Threads to use [default: RAYON_NUM_THREADS, or one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_shows_an_example() {
        let mut cli = Cli::command();
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
