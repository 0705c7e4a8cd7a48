//! `colidx completions`, `colidx man` and `colidx agents`: what other programs read about this one.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::args::{AgentsArgs, Cli, CompletionsArgs, ManArgs};
use crate::command_line::quote;
use crate::error::CliError;
use crate::output::{OutputFile, Painted, Protected, Stdout};

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
    let guard = Protected::new(colidx::MAGIC).allow_replacing(true);
    let folder = guard.make_folder(&args.folder)?;
    let mut command = Cli::definition();
    command.build();
    write_page(&folder, &guard, command.clone(), "colidx")?;
    for one in command.get_subcommands() {
        let name = format!("colidx-{}", one.get_name());
        write_page(&folder, &guard, one.clone(), &name)?;
    }
    Ok(())
}

fn write_page(
    folder: &Path,
    guard: &Protected,
    command: Command,
    name: &str,
) -> Result<(), CliError> {
    let path = folder.join(format!("{name}.1"));
    let failed = |source| CliError::Write {
        file: path.display().to_string(),
        source,
    };
    let mut text = Vec::new();
    let command = command.name(name.to_owned()).display_name(name.to_owned());
    Man::new(command).render(&mut text).map_err(failed)?;
    let mut file = OutputFile::create(&path, guard)?;
    file.write_all(&text).map_err(failed)?;
    Ok(file.finish()?)
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
