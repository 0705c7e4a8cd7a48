//! Flags that would be without effect beside others: refused rather than ignored.
//!
//! The argument parser knows flags that exclude or need each other, but asks for none that another
//! one excludes. What depends on the value of a flag it does not know at all.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// Flags about how a checkpoint encodes.
const ENCODING: &[&str] = &[
    "precision",
    "device",
    "query_prompt",
    "document_prompt",
    "query_length",
    "document_length",
];
const MODEL: &[&str] = &["model"];
/// Flags about queries alone, and about documents alone.
const OF_QUERIES: &[&str] = &["query_prompt", "query_length"];
const OF_DOCUMENTS: &[&str] = &["document_prompt", "document_length"];
/// Flags about how much of the vectors is searched.
const EFFORT: &[&str] = &["recall", "n_probe", "candidates", "rerank"];
/// Flags about how files of documents are read.
const READING: &[&str] = &[
    "title_field",
    "hidden",
    "no_ignore",
    "passage_words",
    "overlap",
    "long",
    "skip_bad_lines",
];
/// Flags about how files of documents or of queries are read.
const FIELDS: &[&str] = &["format", "id_field", "text_field"];

/// Commands that search.
const SEARCHES: &[&str] = &["search", "eval", "bench", "tune", "rerank", "explain"];
/// Commands that add documents.
const ADDS: &[&str] = &["build", "add", "update"];

/// When flags are without effect.
enum When {
    /// Beside another argument.
    With(&'static str),
    /// Without any of these.
    Without(&'static [&'static str]),
    /// Beside an argument of one of these values.
    Is(&'static str, &'static [&'static str]),
}

use When::{Is, With, Without};

/// Names of commands or of flags.
type Names = &'static [&'static str];

/// Commands, flags, and when they are without effect.
const RULES: &[(Names, &[Names], When)] = &[
    (
        &["rerank"],
        &[&["queries", "query_embeddings"]],
        With("texts"),
    ),
    (
        SEARCHES,
        &[MODEL, ENCODING, EFFORT, &["vs_exact"]],
        With("lexical"),
    ),
    (SEARCHES, &[MODEL, ENCODING], With("query_embeddings")),
    (SEARCHES, &[&["weight"]], Is("fusion", &["rrf", "rerank"])),
    (SEARCHES, &[&["force"]], Without(&["run_out"])),
    (
        SEARCHES,
        &[FIELDS],
        // Texts are read as queries would be.
        Without(&["queries", "texts"]),
    ),
    (ADDS, &[ENCODING], With("embeddings")),
    (
        ADDS,
        &[&["vectors_field", "embedding_keys"]],
        Without(&["embeddings"]),
    ),
    (&["compact"], &[MODEL, ENCODING], Without(&["from_text"])),
    (
        &["encode"],
        &[READING, OF_DOCUMENTS],
        Is("role", &["queries"]),
    ),
    (&["encode"], &[OF_QUERIES], Is("role", &["documents"])),
    (&["export"], &[&["dtype"]], Is("form", &["fast-plaid"])),
];

/// Refuses flags of a command line that would be without effect.
///
/// # Errors
/// There is one.
pub fn check(matches: &ArgMatches, definition: &mut Command) -> Result<(), clap::Error> {
    let Some((name, given)) = matches.subcommand() else {
        return Ok(());
    };
    // The usage in a message then is that of the subcommand.
    definition.build();
    let Some(mut command) = definition.find_subcommand(name).cloned() else {
        return Ok(());
    };
    for (commands, flags, when) in RULES {
        if !commands.contains(&name) {
            continue;
        }
        let Some(reason) = when.holds(&command, given) else {
            continue;
        };
        let mut flags = flags.iter().copied().flatten();
        if let Some(flag) = flags.find(|flag| is_given(given, flag)) {
            let flag = shown(&command, flag);
            let text = format!("{flag} has no effect {reason}; leave it out");
            return Err(command.error(ErrorKind::ArgumentConflict, text));
        }
    }
    Ok(())
}

impl When {
    /// Whether it is so, in words.
    fn holds(&self, command: &Command, given: &ArgMatches) -> Option<String> {
        let name = |argument: &str| shown(command, argument);
        match self {
            With(other) => is_given(given, other).then(|| format!("with {}", name(other))),
            Without(others) => {
                let none = !others.iter().any(|other| is_given(given, other));
                let has = |other: &&&str| has(command, other);
                let names: Vec<String> =
                    others.iter().filter(has).map(|other| name(other)).collect();
                none.then(|| format!("without {}", names.join(" or ")))
            }
            Is(argument, values) => {
                let mut found = raw(given, argument)?;
                let value = found.find(|value| values.contains(&value.as_str()))?;
                Some(format!("with {} {value}", name(argument)))
            }
        }
    }
}

/// Whether an argument stands on the command line.
fn is_given(given: &ArgMatches, argument: &str) -> bool {
    let known = given.try_contains_id(argument).unwrap_or(false);
    known && given.value_source(argument) == Some(ValueSource::CommandLine)
}

/// The values of an argument as they were written, or their default.
fn raw(given: &ArgMatches, argument: &str) -> Option<impl Iterator<Item = String>> {
    let values = given.try_get_raw(argument).ok()??;
    Some(values.map(|value| value.to_string_lossy().into_owned()))
}

fn has(command: &Command, argument: &str) -> bool {
    command
        .get_arguments()
        .any(|known| known.get_id() == argument)
}

/// An argument as it is written.
fn shown(command: &Command, argument: &str) -> String {
    let known = command
        .get_arguments()
        .find(|known| known.get_id() == argument);
    match known.and_then(|known| known.get_long()) {
        Some(long) => format!("--{long}"),
        None => argument.to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;

    /// A name that no command has would make a rule that never holds.
    #[test]
    fn every_rule_is_about_arguments_that_there_are() {
        let definition = Cli::definition();
        let of = |commands: &[&str], argument: &str| {
            let commands = commands
                .iter()
                .filter_map(|name| definition.find_subcommand(name));
            commands.into_iter().any(|command| has(command, argument))
        };
        for (commands, flags, when) in RULES {
            let others: Vec<&str> = match when {
                With(other) | Is(other, _) => vec![other],
                Without(others) => others.to_vec(),
            };
            for argument in flags.iter().copied().flatten().chain(&others) {
                assert!(of(commands, argument), "{commands:?}: {argument}");
            }
        }
    }
}
