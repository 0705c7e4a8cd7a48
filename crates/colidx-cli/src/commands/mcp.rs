//! `colidx mcp`

use colidx_serve::{Limits, Line, Log, Options};

use crate::args::McpArgs;
use crate::error::CliError;
use crate::output::note;

/// Serves tools on standard input and output until the input ends. Standard output is the
/// protocol's alone.
///
/// # Errors
/// An index cannot be opened, or the client does not speak the protocol.
pub fn run(args: &McpArgs) -> Result<(), CliError> {
    let threads = args.threads.threads.map(usize::from);
    let options = Options {
        searcher: args.model.searcher_options(),
        limits: Limits {
            threads: threads.unwrap_or_else(colidx_threads::count),
            ..Limits::default()
        },
        commit: crate::version::COMMIT,
        ..Options::default()
    };
    let log = Log::new(|line: Line<'_>| match line {
        Line::Text(line) | Line::Json(line) => note(line),
    });
    Ok(colidx_serve::serve_tools(
        &args.indexes,
        options,
        log,
        args.write,
    )?)
}
