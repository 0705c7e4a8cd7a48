//! The command line of colidx. This library is internal to the binary `colidx`: only [`main`] is
//! public.

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

use std::process::ExitCode;

/// Runs the command line of this process and returns its exit status.
pub fn main() -> ExitCode {
    let cli = match args::Cli::read() {
        Ok(cli) => cli,
        Err(error) => return output::usage(error),
    };
    output::set_color(cli.color);
    match commands::run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, error::CliError::BrokenPipe) {
                output::tell(&error);
            }
            error.exit_code()
        }
    }
}
