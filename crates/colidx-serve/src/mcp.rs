//! Tools for language models, over the Model Context Protocol: search, read a document, describe
//! the indexes, and, where that was asked for, store and delete documents. Answers are text of a
//! bounded length.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::stdio;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::Deserialize;
use serde_json::json;

use crate::api::{SearchRequest, answer, change, describe, document};
use crate::app::{App, Deadline};
use crate::error::{ApiError, Result};
use crate::log::Log;
use crate::options::{Options, ServeError};
use crate::served::Served;
use crate::writer::{Change, StoredDocument};

/// Most characters of an answer, whatever is asked for.
const MOST: usize = 50_000;

/// Fewest characters of a document in a list of hits.
const LEAST_OF_HIT: usize = 120;

const INSTRUCTIONS: &str = "Search finds documents by meaning; ask in whole sentences or a few \
    words. Read a whole document by the key of a hit.";

/// What a client may call.
#[derive(Clone)]
pub(crate) struct Tools {
    app: Arc<App>,
    tool_router: ToolRouter<Tools>,
}

/// What to search for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchParameters {
    /// What to search for: a question, or a few words.
    query: String,
    /// Hits wanted.
    #[serde(default = "ten")]
    k: usize,
    /// Only documents whose metadata match, as in SQL's WHERE: year >= 2020 AND lang = 'en'. Empty
    /// for all.
    #[serde(default)]
    filter: String,
    /// What to search by: vectors (meaning), words (exact names, numbers, error codes), or hybrid.
    #[serde(default = "vectors")]
    by: String,
    /// Name of the index; empty for the first.
    #[serde(default)]
    index: String,
    /// Maximum number of characters in the answer.
    #[serde(default = "some")]
    max_characters: usize,
}

/// Which document to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DocumentParameters {
    /// Key of the document, as in a hit.
    key: String,
    /// Name of the index; empty for the first.
    #[serde(default)]
    index: String,
    /// Characters to pass over, to read on where an answer ended.
    #[serde(default)]
    start: usize,
    /// Maximum number of characters in the answer.
    #[serde(default = "many")]
    max_characters: usize,
}

/// Which index to describe.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InfoParameters {
    /// Name of the index; empty for all.
    #[serde(default)]
    index: String,
}

/// A document to store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddParameters {
    /// Key of the document, unique in the index; a document that has it is replaced.
    key: String,
    /// Its title.
    #[serde(default)]
    title: String,
    /// Its text.
    text: String,
    /// Further fields, as the text of a JSON object; empty for none.
    #[serde(default)]
    metadata: String,
    /// Name of the index; empty for the first.
    #[serde(default)]
    index: String,
}

/// Which document to delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeleteParameters {
    /// Key of the document.
    key: String,
    /// Name of the index; empty for the first.
    #[serde(default)]
    index: String,
}

fn vectors() -> String {
    "vectors".to_owned()
}

fn ten() -> usize {
    10
}

fn some() -> usize {
    8_000
}

fn many() -> usize {
    20_000
}

#[tool_router]
impl Tools {
    fn new(app: Arc<App>, write: bool) -> Tools {
        let read = Tools::tool_router();
        Tools {
            app,
            tool_router: match write {
                true => read + Tools::write_router(),
                false => read,
            },
        }
    }

    #[tool(
        name = "search",
        description = "Finds the documents that fit a question or a few words best, by meaning.",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn search(
        &self,
        Parameters(asked): Parameters<SearchParameters>,
    ) -> Result<String, String> {
        self.find(asked).await.map_err(|error| error.message)
    }

    #[tool(
        name = "get_document",
        description = "Reads a document by the key of a hit.",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_document(
        &self,
        Parameters(asked): Parameters<DocumentParameters>,
    ) -> Result<String, String> {
        self.read(asked).await.map_err(|error| error.message)
    }

    #[tool(
        name = "index_info",
        description = "Says which indexes there are and what they hold.",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn index_info(
        &self,
        Parameters(asked): Parameters<InfoParameters>,
    ) -> Result<String, String> {
        self.describe(asked).await.map_err(|error| error.message)
    }
}

#[tool_router(router = write_router)]
impl Tools {
    #[tool(
        name = "add_document",
        description = "Stores a document, so that searches find it.",
        annotations(
            read_only_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn add_document(
        &self,
        Parameters(asked): Parameters<AddParameters>,
    ) -> Result<String, String> {
        self.add(asked).await.map_err(|error| error.message)
    }

    #[tool(
        name = "delete_document",
        description = "Deletes a document by its key.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn delete_document(
        &self,
        Parameters(asked): Parameters<DeleteParameters>,
    ) -> Result<String, String> {
        self.delete(asked).await.map_err(|error| error.message)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("colidx", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }
}

impl Tools {
    /// The index with a name, or the first.
    async fn index(&self, name: &str) -> Result<Arc<Served>> {
        let first = self.app.indexes.keys().next();
        let name = match name {
            "" => first.ok_or_else(|| ApiError::internal("there is no index"))?,
            name => name,
        };
        self.app.index(name).await
    }

    async fn find(&self, asked: SearchParameters) -> Result<String> {
        let served = self.index(&asked.index).await?;
        let deadline = Deadline(Instant::now() + self.app.options.limits.timeout);
        let request = SearchRequest::text(asked.query, asked.k, &asked.by, asked.filter)?;
        let mut replies = answer(&self.app, &served, vec![request], deadline).await?;
        let hits = replies.pop().map(|reply| reply.hits).unwrap_or_default();
        let most = asked.max_characters.min(MOST);
        let each = (most / hits.len().max(1)).max(LEAST_OF_HIT);
        let mut text = String::new();
        for (rank, hit) in (1..).zip(hits) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{rank}. key: {}  score: {:.3}", hit.key, hit.score);
            if let Some(title) = hit.title.filter(|title| !title.is_empty()) {
                let _ = writeln!(text, "title: {title}");
            }
            if let Some(metadata) = hit.metadata {
                let _ = writeln!(
                    text,
                    "metadata: {}",
                    cut(&metadata.to_string(), LEAST_OF_HIT)
                );
            }
            let body = hit.text.unwrap_or_default();
            let _ = writeln!(text, "{}\n", cut(body.trim(), each));
        }
        if text.is_empty() {
            text.push_str("no document matches");
        }
        Ok(cut(text.trim_end(), most))
    }

    async fn read(&self, asked: DocumentParameters) -> Result<String> {
        let served = self.index(&asked.index).await?;
        let key = asked.key;
        let found = move || document(&served, &key, false);
        let found = self.app.compute(move |_, _| found()).await?;
        let mut text = String::new();
        if !found.title.is_empty() {
            let _ = writeln!(text, "title: {}", found.title);
        }
        if let Some(metadata) = found.metadata {
            let _ = writeln!(text, "metadata: {metadata}");
        }
        text.push_str(&found.text);
        let rest: String = text.chars().skip(asked.start).collect();
        let most = asked.max_characters.min(MOST);
        let length = rest.chars().count();
        let mut part = cut(&rest, most);
        if length > most {
            let next = asked.start + most;
            let _ = write!(
                part,
                "\n[{} more characters: start = {next}]",
                length - most
            );
        }
        Ok(part)
    }

    async fn add(&self, asked: AddParameters) -> Result<String> {
        let served = self.index(&asked.index).await?;
        let key = asked.key.clone();
        let document = StoredDocument {
            key: asked.key,
            title: asked.title,
            text: asked.text,
            metadata: asked.metadata,
            vectors: None,
            token_ids: Vec::new(),
        };
        let stored = change(&self.app, &served, Change::Update(vec![document])).await?;
        Ok(match stored.replaced {
            0 => format!("stored `{key}`"),
            _ => format!("stored `{key}` in the place of what was there"),
        })
    }

    async fn delete(&self, asked: DeleteParameters) -> Result<String> {
        let served = self.index(&asked.index).await?;
        let deletion = Change::Delete(vec![asked.key.clone()]);
        match change(&self.app, &served, deletion).await?.deleted {
            0 => Ok(format!("no document has the key `{}`", asked.key)),
            _ => Ok(format!("deleted `{}`", asked.key)),
        }
    }

    async fn describe(&self, asked: InfoParameters) -> Result<String> {
        let names: Vec<String> = match asked.index.as_str() {
            "" => self.app.indexes.keys().cloned().collect(),
            name => vec![name.to_owned()],
        };
        let mut served = Vec::with_capacity(names.len());
        for name in &names {
            served.push(self.app.index(name).await?);
        }
        let app = Arc::clone(&self.app);
        let described = self.app.compute(move |_, _| {
            let described = served.iter().map(|served| {
                let mut value = json!(describe(&app, served)?);
                // What a filter can ask for; an index of an earlier version has no columns.
                let fields = served.index().fields().unwrap_or_default();
                value["fields"] = fields.into_iter().map(|field| json!(field.path)).collect();
                Ok(value)
            });
            described.collect::<Result<Vec<_>>>()
        });
        let json = serde_json::to_string_pretty(&described.await?);
        let json = json.map_err(ApiError::internal)?;
        Ok(cut(&json, MOST))
    }
}

/// The first characters of a text, with a mark where it was cut.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The tools as a route, each request on its own.
pub(crate) fn service(app: &Arc<App>) -> StreamableHttpService<Tools, NeverSessionManager> {
    let app = Arc::clone(app);
    // Hosts and origins are checked for all routes alike.
    let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    config.legacy_session_mode = false;
    config.json_response = true;
    let tools = move || Ok(Tools::new(Arc::clone(&app), false));
    StreamableHttpService::new(tools, Arc::default(), config)
}

/// Serves the tools on standard input and output until the input ends; with `write` those too that
/// change indexes.
///
/// # Errors
/// An index cannot be opened, or the client does not speak the protocol.
pub fn serve_tools(
    paths: &[PathBuf],
    options: Options,
    log: Log,
    write: bool,
) -> Result<(), ServeError> {
    let (app, _writers) = App::open(paths, options, log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::setup("a runtime"))?;
    let failed = |reason: String| ServeError::Setup {
        what: "the Model Context Protocol",
        reason,
    };
    runtime.block_on(async {
        let tools = Tools::new(Arc::new(app), write).serve(stdio()).await;
        let tools = tools.map_err(|error| failed(error.to_string()))?;
        let ended = tools.waiting().await;
        ended.map(drop).map_err(|error| failed(error.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größe", 3), "grö…");
        assert_eq!(cut("", 0), "");
        assert_eq!(cut("a", 0), "…");
    }
}
