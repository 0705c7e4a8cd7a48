//! `colidx completions`, `colidx man` and `colidx agents`: what other programs read about this one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use colidx::Index;

use crate::args::{AgentsArgs, Cli, CompletionsArgs, ManArgs};
use crate::command_line::quote;
use crate::error::CliError;
use crate::output::{OutputFile, Painted, Protected, Stdout};

/// Fields of metadata that programs are told of.
const MOST_FIELDS: usize = 20;

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
    let command = command.name(name.to_owned()).display_name(name.to_owned());
    let text = manual_page(command).map_err(failed)?;
    let mut file = OutputFile::create(&path, guard)?;
    file.write_all(&text).map_err(failed)?;
    Ok(file.finish()?)
}

/// A page with the usage in one line, and examples that can be copied: `Man::render` lists every
/// flag in the usage, without its value, and fills the lines of examples.
fn manual_page(mut command: Command) -> io::Result<Vec<u8>> {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let examples = command.get_after_help().map(ToString::to_string);
    let has_commands = command.get_subcommands().next().is_some();
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    verbatim(&mut text, "SYNOPSIS", usage)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(examples) = examples {
        let lines = examples
            .split_once('\n')
            .filter(|(first, _)| first.starts_with("Example"));
        verbatim(
            &mut text,
            "EXAMPLES",
            lines.map_or(&*examples, |(_, rest)| rest),
        )?;
    }
    Ok(text)
}

/// A section whose lines stay as they are.
fn verbatim(out: &mut Vec<u8>, section: &str, text: &str) -> io::Result<()> {
    writeln!(out, ".SH {section}\n.nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        // A line that begins with a dot or an apostrophe would be a request.
        writeln!(out, "\\&{line}")?;
    }
    writeln!(out, ".fi")
}

/// Prints what to put into an AGENTS.md, so that programs that write code search first.
///
/// # Errors
/// An index cannot be opened or has neither checkpoint nor words; standard output is closed or
/// full.
pub fn agents(args: &AgentsArgs) -> Result<(), CliError> {
    let mut text = String::from(
        "## Search with colidx\n\n\
         Documents are indexed for search by meaning. Before reading files one after the other, \
         search; ask in\nwhole sentences or a few words.\n\n",
    );
    let mut places = Vec::new();
    let mut fields = BTreeSet::new();
    let mut has_words = false;
    for path in &args.indexes {
        let index = Index::open(path)?;
        let words = index.analyzer()?.is_some();
        let by = match (index.model(), words) {
            (Some(_), _) => "",
            (None, true) => " --lexical",
            (None, false) => {
                let text = format!("{} is searched with query vectors alone", path.display());
                return Err(CliError::Usage(text));
            }
        };
        has_words |= words;
        // An index of an earlier version has no columns to filter by.
        let columns = index.fields().unwrap_or_default();
        fields.extend(columns.into_iter().map(|field| format!("`{}`", field.path)));
        let place = quote(&path.display().to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    colidx search --index {place} -k 5{by} --json \"QUESTION\""
        );
        places.push(place);
    }
    text.push_str(
        "\nEach line is a hit with its `key`, `title`, `text` and `score`; the first is the best. \
         Scores compare\nhits of one question only.\n",
    );
    if has_words {
        text.push_str("Exact names, numbers and error codes are found with `--lexical`.\n");
    }
    if !fields.is_empty() {
        let fields: Vec<String> = fields.into_iter().take(MOST_FIELDS).collect();
        let _ = writeln!(
            text,
            "`--filter` takes a condition as in SQL's WHERE over {}.",
            fields.join(", ")
        );
    }
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
