//! `colidx serve`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use colidx_serve::{Access, Limits, Line, Log, Options, Server};

use crate::args::ServeArgs;
use crate::error::CliError;
use crate::output::{note, note_json};

/// Serves indexes until SIGTERM or Ctrl-C.
///
/// # Errors
/// An index cannot be opened, or the address cannot be had.
pub fn run(args: &ServeArgs) -> Result<(), CliError> {
    if args.check {
        return check(args);
    }
    let options = options(args)?;
    let log = Log::new(|line| match line {
        Line::Text(line) => note(line),
        Line::Json(line) => note_json(line),
    });
    let server = Server::bind(&args.indexes, args.address, options, log)?;
    let names: Vec<&str> = server.names().collect();
    note(&format!(
        "serving {} at http://{}",
        names.join(", "),
        server.address()
    ));
    Ok(server.run(colidx_serve::signal)?)
}

/// Fails unless the service that runs is ready.
fn check(args: &ServeArgs) -> Result<(), CliError> {
    let reason = match colidx_serve::is_ready(args.address) {
        Ok(true) => return Ok(()),
        Ok(false) => "it is not ready".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(CliError::Unready {
        address: args.address,
        reason,
    })
}

fn options(args: &ServeArgs) -> Result<Options, CliError> {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let threads = args.threads.threads.map(usize::from);
    Ok(Options {
        searcher: args.model.searcher_options(),
        access: Access {
            keys: keys(&args.api_key, &args.api_key_file)?,
            read_only_keys: keys(&args.read_only_key, &args.read_only_key_file)?,
            no_auth: args.no_auth,
            origins: args.cors_origin.clone(),
        },
        limits: Limits {
            body: usize::try_from(args.max_body).unwrap_or(usize::MAX),
            batch: args.max_batch as usize,
            k: args.max_k as usize,
            timeout: seconds(args.timeout),
            write_timeout: seconds(args.write_timeout),
            concurrency: args.max_requests as usize,
            connections: args.max_connections as usize,
            idle: seconds(args.idle_timeout),
            queue: args.max_queue as usize,
            grace: seconds(args.grace),
            threads: threads.unwrap_or_else(colidx_threads::count),
        },
        images: args.images.clone(),
        access_log: args.access_log,
        commit: crate::version::COMMIT,
    })
}

/// The keys that were given, and those in a file, one a line.
fn keys(given: &Option<String>, file: &Option<PathBuf>) -> Result<Vec<String>, CliError> {
    let mut keys: Vec<String> = given.iter().cloned().collect();
    if let Some(file) = file {
        keys.extend(keys_in(file)?);
    }
    if keys.iter().any(|key| key.trim().is_empty()) {
        return Err(CliError::Usage(
            "a key is empty; leave the flag out, or give a key".to_owned(),
        ));
    }
    Ok(keys)
}

fn keys_in(file: &Path) -> Result<Vec<String>, CliError> {
    let place = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| CliError::Usage(format!("cannot read the keys in {place}: {error}")))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<String> = lines.map(str::to_owned).collect();
    match keys.is_empty() {
        // An empty file must not open the service to all.
        true => Err(CliError::Usage(format!(
            "{place} has no key; put one on a line"
        ))),
        false => Ok(keys),
    }
}
