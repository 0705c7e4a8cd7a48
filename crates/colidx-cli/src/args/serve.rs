//! `colidx serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use colidx_serve::{AccessLog, Limits};

use super::{QueryModelArgs, ThreadsArg, parse_size, up_to_a_million};

const ACCESS: &str = "Access";
const LIMITS: &str = "Limits";

/// Flags of `colidx serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx serve docs.colidx notes.colidx           # then open http://127.0.0.1:7878\n  \
    colidx serve /srv/indexes --address 0.0.0.0:7878 --api-key-file /run/secrets/colidx\n  \
    curl localhost:7878/v1/indexes/docs/search --json '{\"query\": \"memory map\"}'\n\n\
    Every flag has an environment variable: --api-key-file has COLIDX_API_KEY_FILE.")]
pub struct ServeArgs {
    /// Index directories, or folders of them. `docs.colidx` is served as `docs`.
    #[arg(value_name = "DIR", required_unless_present = "check")]
    pub indexes: Vec<PathBuf>,

    /// Ask the service that runs at --address whether it is ready, and exit with 0 or 1.
    #[arg(long, value_parser = FalseyValueParser::new())]
    pub check: bool,

    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7878")]
    pub address: SocketAddr,

    /// Format of the access log on standard error.
    #[arg(long, value_name = "off|text|json", hide_possible_values = true,
        default_value = "text", value_parser = access_log())]
    pub access_log: AccessLog,

    /// Folder with the images that documents name in the metadata field `image`; the search page
    /// shows them [default: no images].
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,

    /// Key that clients must send to read and write. Other users of this machine can see it; a file
    /// is safer.
    #[arg(long, help_heading = ACCESS, value_name = "KEY")]
    pub api_key: Option<String>,

    /// File of API keys to read and write with, one per line.
    #[arg(long, help_heading = ACCESS, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,

    /// Key that clients must send to read; it cannot change anything.
    #[arg(long, help_heading = ACCESS, value_name = "KEY")]
    pub read_only_key: Option<String>,

    /// File of read-only API keys, one per line.
    #[arg(long, help_heading = ACCESS, value_name = "FILE")]
    pub read_only_key_file: Option<PathBuf>,

    /// Listen on an address that other machines can reach, without any key.
    #[arg(long, help_heading = ACCESS, value_parser = FalseyValueParser::new())]
    pub no_auth: bool,

    /// Web sites whose pages may call the service, such as `https://example.org` [default: none].
    #[arg(long, help_heading = ACCESS, value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,

    /// Maximum size of a request body.
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", value_parser = parse_size,
        default_value = "32MiB")]
    pub max_body: u64,

    /// Maximum documents, texts or searches per request.
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = up_to_a_million(),
        default_value_t = DEFAULT.batch as u32)]
    pub max_batch: u32,

    /// Maximum hits per search.
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = up_to_a_million(),
        default_value_t = DEFAULT.k as u32)]
    pub max_k: u32,

    /// Maximum requests under way at a time.
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = up_to_a_million(),
        default_value_t = DEFAULT.concurrency as u32)]
    pub max_requests: u32,

    /// Maximum connections at a time; others wait.
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = up_to_a_million(),
        default_value_t = DEFAULT.connections as u32)]
    pub max_connections: u32,

    /// Maximum requests waiting to be encoded, and to be committed to an index.
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = up_to_a_million(),
        default_value_t = DEFAULT.queue as u32)]
    pub max_queue: u32,

    /// Maximum seconds for a request that reads.
    #[arg(long, help_heading = LIMITS, value_name = "S", value_parser = up_to_a_million(),
        default_value_t = seconds(DEFAULT.timeout))]
    pub timeout: u32,

    /// Maximum seconds for a request that writes.
    #[arg(long, help_heading = LIMITS, value_name = "S", value_parser = up_to_a_million(),
        default_value_t = seconds(DEFAULT.write_timeout))]
    pub write_timeout: u32,

    /// Maximum seconds for the head of a request to arrive, for its body, and for a client to read
    /// more of its answer; connections without a request are closed after this time.
    #[arg(long, help_heading = LIMITS, value_name = "S", value_parser = up_to_a_million(),
        default_value_t = seconds(DEFAULT.idle))]
    pub idle_timeout: u32,

    /// Seconds for requests under way to finish after SIGTERM.
    #[arg(long, help_heading = LIMITS, value_name = "S", value_parser = up_to_a_million(),
        default_value_t = seconds(DEFAULT.grace))]
    pub grace: u32,

    /// The checkpoint for queries and added text.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}

/// The limits of the service, as far as no flag says otherwise.
const DEFAULT: Limits = Limits::DEFAULT;

/// Whole seconds.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// The forms of the access log by their names.
fn access_log() -> impl TypedValueParser<Value = AccessLog> {
    let names = AccessLog::NAMES.map(|(name, _)| name);
    PossibleValuesParser::new(names).map(|given| {
        let named = AccessLog::NAMES
            .into_iter()
            .find(|(name, _)| *name == given);
        named.map_or_else(AccessLog::default, |(_, form)| form)
    })
}

/// Gives every flag the environment variable of its name. Help shows no values, which may be keys.
pub fn with_environment(command: Command) -> Command {
    command.mut_args(|argument| match argument.get_long() {
        None => argument,
        Some(name) => {
            let variable = format!("COLIDX_{}", name.to_uppercase().replace('-', "_"));
            argument.env(variable).hide_env(true).hide_env_values(true)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_size_of_a_body_is_that_of_the_service() {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            serve: ServeArgs,
        }
        let flags = <Flags as clap::Parser>::parse_from(["serve", "x.colidx"]);
        assert_eq!(flags.serve.max_body, DEFAULT.body as u64);
    }
}
