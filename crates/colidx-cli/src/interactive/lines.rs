//! Input lines: an editor with history on a terminal, plain standard input elsewhere.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::command::NAMES;
use crate::error::CliError;
use crate::output::{harmless, note, prompt, stdout_is_terminal};

const PROMPT: &str = "› ";

/// Lines kept in the history.
const HISTORY: usize = 1000;

/// A source of lines.
pub enum Lines {
    /// A terminal.
    Editor {
        /// Line editing.
        editor: Box<Editor<Commands, FileHistory>>,
        /// Where the history is kept.
        history: Option<PathBuf>,
    },
    /// A pipe or a file.
    Plain,
}

impl Lines {
    /// For standard input as it is.
    ///
    /// # Errors
    /// The terminal cannot be set up.
    pub fn open() -> Result<Lines, CliError> {
        if !(io::stdin().is_terminal() && stdout_is_terminal()) {
            return Ok(Lines::Plain);
        }
        let setup = |error: ReadlineError| CliError::Setup {
            what: "the terminal",
            reason: error.to_string(),
        };
        let config = Config::builder()
            .max_history_size(HISTORY)
            .map_err(setup)?
            .auto_add_history(true);
        let mut editor = Editor::with_config(config.build()).map_err(setup)?;
        editor.set_helper(Some(Commands));
        let history = state_directory().map(|directory| directory.join("history"));
        if let Some(path) = history.as_deref().filter(|path| path.exists())
            && let Err(error) = editor.load_history(path)
        {
            note(&format!("cannot read {}: {error}", path.display()));
        }
        Ok(Lines::Editor {
            editor: Box::new(editor),
            history,
        })
    }

    /// The next line, or `None` at the end of the input. Ctrl-C empties the line.
    ///
    /// # Errors
    /// The terminal or standard input fails.
    pub fn read(&mut self) -> Result<Option<String>, CliError> {
        match self {
            Lines::Plain => next_plain(),
            Lines::Editor { editor, .. } => loop {
                match editor.readline(PROMPT) {
                    Ok(line) => return Ok(Some(line)),
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(error) => {
                        return Err(CliError::Setup {
                            what: "the terminal",
                            reason: error.to_string(),
                        });
                    }
                }
            },
        }
    }

    /// Saves the history.
    pub fn close(&mut self) {
        if let Lines::Editor {
            editor,
            history: Some(path),
        } = self
        {
            let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(error) = made
                .map_err(ReadlineError::from)
                .and_then(|()| editor.save_history(path))
            {
                note(&format!(
                    "cannot save the history to {}: {error}",
                    path.display()
                ));
            }
        }
    }
}

fn next_plain() -> Result<Option<String>, CliError> {
    if io::stdin().is_terminal() {
        prompt(PROMPT);
    }
    let mut line = Vec::new();
    let read = io::stdin().lock().read_until(b'\n', &mut line);
    let read = read.map_err(|error| CliError::Setup {
        what: "standard input",
        reason: error.to_string(),
    })?;
    let line = String::from_utf8_lossy(&line);
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// `$XDG_STATE_HOME/colidx`, or `~/.local/state/colidx`.
fn state_directory() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join(Path::new("colidx")))
}

/// Completes the names of commands.
pub struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..at];
        let names = NAMES
            .iter()
            .filter(|name| typed.starts_with(':') && name.starts_with(typed));
        Ok((0, names.map(|name| (*name).to_owned()).collect()))
    }
}

impl Hinter for Commands {
    type Hint = String;
}

impl Highlighter for Commands {
    /// Pasted text and foreign history must not act on the terminal either.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        harmless::lines(line)
    }
}

impl Validator for Commands {}

impl Helper for Commands {}
