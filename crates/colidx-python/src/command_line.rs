//! The command line.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs a command line, whose first word names the program, and returns its exit status. It takes
/// over the signals that ask to end, so it is the last thing that a process does.
#[pyfunction]
pub fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| colidx_cli::run(arguments))
}
