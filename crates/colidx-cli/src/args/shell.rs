//! `colidx completions`, `colidx man` and `colidx agents`

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Flags of `colidx completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx completions bash > ~/.local/share/bash-completion/completions/colidx\n  \
    colidx completions zsh > ~/.zfunc/_colidx            # a folder of $fpath\n  \
    colidx completions fish > ~/.config/fish/completions/colidx.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(
        value_name = "bash|zsh|fish|powershell|elvish",
        hide_possible_values = true
    )]
    pub shell: Shell,
}

/// Flags of `colidx man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  colidx man ~/.local/share/man/man1 && man colidx-search")]
pub struct ManArgs {
    /// Folder for the pages; existing ones are replaced.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Flags of `colidx agents`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  colidx agents docs.colidx >> AGENTS.md")]
pub struct AgentsArgs {
    /// Index directories to name in the text.
    #[arg(value_name = "DIR", required = true)]
    pub indexes: Vec<PathBuf>,
}
