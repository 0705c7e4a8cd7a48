//! Standard output and standard error; nothing else opens them.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{Painted, harmless};
use crate::args::{Cli, Color};
use crate::command_line;
use crate::error::CliError;

/// Standard output. A closed pipe is [`CliError::BrokenPipe`], which ends the program silently.
pub struct Stdout {
    inner: BufWriter<StdoutLock<'static>>,
}

impl Stdout {
    /// Locks standard output.
    pub fn lock() -> Stdout {
        Stdout {
            inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
        }
    }

    /// Writes styled text.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn painted(&mut self, text: &Painted) -> Result<(), CliError> {
        self.raw(text).map_err(stdout_error)
    }

    /// Writes one line.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.raw(&harmless::line(text))
            .and_then(|()| self.raw("\n"))
            .map_err(stdout_error)
    }

    /// Writes one JSON object on a line of its own.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let line = serde_json::to_string(value).map_err(|error| stdout_error(error.into()))?;
        self.line(&harmless::json(line))
    }

    /// Flushes the buffer.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.inner.flush().map_err(stdout_error)
    }

    fn raw(&mut self, text: &str) -> io::Result<()> {
        self.inner.write_all(text.as_bytes())
    }
}

/// For formats that are written piece by piece; every piece is whole UTF-8.
impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raw(&harmless::lines(&String::from_utf8_lossy(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn stdout_error(source: io::Error) -> CliError {
    if source.kind() == io::ErrorKind::BrokenPipe {
        CliError::BrokenPipe
    } else {
        CliError::Write {
            file: "standard output".to_owned(),
            source,
        }
    }
}

/// Prints one line to standard error; a closed standard error is ignored.
pub fn note(message: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless::line(message));
}

/// Prints one line of JSON to standard error.
#[cfg(feature = "serve")]
pub fn note_json(line: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless::json(line.to_owned()));
}

/// Prints styled text to standard error.
pub fn note_painted(message: &Painted) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Prints why a command failed.
pub fn tell(error: &CliError) {
    note(&format!("colidx: {error}"));
    error.advice().lines().for_each(note);
}

/// Shows the prompt where there is no line editor.
pub fn prompt(prompt: &str) {
    let _ = write!(io::stderr(), "{}", harmless::line(prompt));
}

/// Shows help, or what is wrong with the arguments, and returns the exit status.
pub fn usage(error: clap::Error) -> u8 {
    if !error.use_stderr() {
        // Help and version contain no input.
        let _ = error.print();
        return 0;
    }
    // The message quotes arguments, so parse harmless copies of them.
    let arguments = command_line::arguments().iter();
    let arguments = arguments.map(|word| harmless::line(&word.to_string_lossy()).into_owned());
    let error = Cli::read_from(arguments).err().unwrap_or(error);
    note_painted(&Painted::from(error.render().to_string().trim_end()));
    2
}

/// Writes out what standard output still holds, for a program that is not one of Rust's own.
pub fn finish() {
    let _ = io::stdout().flush();
}

static COLOR: OnceLock<Color> = OnceLock::new();

/// Sets when output is colored, once.
pub fn set_color(color: Color) {
    let _ = COLOR.set(color);
}

/// When output is colored.
pub fn color() -> Color {
    COLOR.get().copied().unwrap_or_default()
}

/// The height of standard output, if it is a terminal.
pub fn rows_of_stdout() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(_, height)| usize::from(height.0))
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The width of standard output, if it is a terminal.
pub fn columns_of_stdout() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// The width of standard error, if it is a terminal.
pub fn columns_of_stderr() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0))
}

/// A progress bar on standard error.
pub fn bar(name: &str, total: Option<u64>, style: ProgressStyle) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar.set_prefix(harmless::line(name).into_owned());
    // The bar ticks on its own thread, and panics if none can be started.
    if std::thread::Builder::new().spawn(|| {}).is_ok() {
        bar.enable_steady_tick(Duration::from_millis(250));
    }
    bar
}
