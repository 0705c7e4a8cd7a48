//! `colidx completions`, `colidx man` and `colidx agents`: what other programs read about this one.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::args::{AgentsArgs, Cli, CompletionsArgs, ManArgs};
use crate::command_line::quote;
use crate::error::CliError;
use crate::output::{Painted, Stdout, note};

/// Prints the completions for a shell.
///
/// # Errors
/// Standard output is closed or full.
pub fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::definition(), "colidx", &mut script);
    let mut out = Stdout::lock();
    out.painted(&Painted::from(String::from_utf8_lossy(&script).as_ref()))?;
    out.flush()
}

/// Writes the manual page of each command.
///
/// # Errors
/// The folder cannot be written.
pub fn man(args: &ManArgs) -> Result<(), CliError> {
    let failed = |source| CliError::Write {
        file: args.folder.display().to_string(),
        source,
    };
    fs::create_dir_all(&args.folder).map_err(failed)?;
    let mut command = Cli::definition();
    command.build();
    let mut pages = page(&args.folder, command.clone(), "colidx").map_err(failed)?;
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let name = format!("colidx-{}", one.get_name());
        pages += page(&args.folder, one.clone(), &name).map_err(failed)?;
    }
    note(&format!("{pages} pages in {}", args.folder.display()));
    Ok(())
}

fn page(folder: &Path, command: Command, name: &str) -> std::io::Result<usize> {
    let mut text = Vec::new();
    let command = command.name(name.to_owned()).display_name(name.to_owned());
    Man::new(command).render(&mut text)?;
    fs::File::create(folder.join(format!("{name}.1")))?.write_all(&text)?;
    Ok(1)
}

/// Prints what to put into an AGENTS.md, so that programs that write code search first.
///
/// # Errors
/// Standard output is closed or full.
pub fn agents(args: &AgentsArgs) -> Result<(), CliError> {
    let places = args.indexes.iter().map(|path| path.display().to_string());
    let places: Vec<String> = places.map(|place| quote(&place)).collect();
    let mut text = String::from(
        "## Search with colidx\n\n\
         Documents are indexed for search by meaning. Before reading files one after the other, \
         search; ask in\nwhole sentences or a few words.\n\n",
    );
    for place in &places {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    colidx search --index {place} -k 5 --json \"QUESTION\""
        );
    }
    text.push_str(
        "\nEach line is a hit with its `key`, `title`, `text` and `score`; the first is the best. \
         Scores compare\nhits of one question only.\n",
    );
    if cfg!(feature = "mcp") {
        let _ = writeln!(
            text,
            "\nWhere the tools `search`, `get_document` and `index_info` are there, use them \
             instead; they come from\n`colidx mcp {}`.",
            places.join(" ")
        );
    }
    let mut out = Stdout::lock();
    out.painted(&Painted::from(text.as_str()))?;
    out.flush()
}
