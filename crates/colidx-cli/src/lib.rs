//! The command line of colidx. This library is internal to the programs that are one: the binary
//! `colidx` calls [`main`], and `python -m colidx` calls [`run`].

#![forbid(unsafe_code)]

mod args;
mod command_line;
mod commands;
mod error;
mod interactive;
mod interrupt;
mod json;
mod link;
mod model;
mod output;
mod places;
mod printer;
mod progress;
mod queries;
mod render;
mod scope;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line of this process and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs a command line, whose first word names the program, and returns its exit status. A process
/// does so once: it takes over the signals that ask to end, and remembers the arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    command_line::set(arguments);
    let status = match args::Cli::read_from(command_line::arguments()) {
        Ok(cli) => {
            output::set_color(cli.color);
            match commands::run(&cli.command) {
                Ok(()) => 0,
                Err(error) => {
                    if !matches!(error, error::CliError::BrokenPipe) {
                        output::tell(&error);
                    }
                    error.status()
                }
            }
        }
        Err(error) => output::usage(error),
    };
    output::finish();
    status
}
