//! The routes. Handlers check what they are asked, call `colidx`, and shape the answer.

mod body;
mod documents;
mod encode;
mod explain;
mod facets;
mod health;
mod hits;
mod images;
mod indexes;
mod limits;
mod rerank;
mod scope;
mod search;

use std::sync::Arc;

use axum::routing::{get, post};
use utoipa::OpenApi;
use utoipa::openapi;
use utoipa::openapi::RefOr;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use self::scope::matching;
#[cfg(feature = "mcp")]
pub(crate) use self::{
    documents::{change, document},
    indexes::describe,
    search::{SearchRequest, answer},
};

/// Routes, by what they need.
pub(crate) struct Routes {
    /// Open to all: whether the service is well.
    pub open: axum::Router<Arc<App>>,
    /// For those who may read.
    pub read: axum::Router<Arc<App>>,
    /// For those who may write.
    pub write: axum::Router<Arc<App>>,
    /// Their description.
    pub description: openapi::OpenApi,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "colidx",
        description = "Late-interaction (ColBERT) search over indexes on disk.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "search", description = "Search and explain"),
        (name = "documents", description = "Get, add, update and delete documents"),
        (name = "indexes", description = "The indexes that are served"),
        (name = "models", description = "Encode and rerank"),
        (name = "health", description = "For machines that watch the service")
    )
)]
struct Description;

/// All routes.
pub(crate) fn routes() -> Routes {
    let (open, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .split_for_parts();
    let (read, of_read) = OpenApiRouter::new()
        .routes(routes!(indexes::list))
        .routes(routes!(indexes::describe_one))
        .routes(routes!(search::search))
        .routes(routes!(search::search_many))
        .routes(routes!(explain::explain))
        .routes(routes!(facets::fields))
        .routes(routes!(facets::facets))
        .routes(routes!(documents::get))
        .routes(routes!(images::image))
        .routes(routes!(encode::encode))
        .routes(routes!(rerank::rerank))
        .split_for_parts();
    let (write, of_write) = OpenApiRouter::new()
        .routes(routes!(
            documents::add,
            documents::update,
            documents::delete_many
        ))
        .routes(routes!(documents::delete_one))
        .routes(routes!(indexes::compact))
        .routes(routes!(indexes::reload))
        .split_for_parts();
    description.merge(of_read);
    description.merge(of_write);
    complete(&mut description);
    Routes {
        open: open.route("/health", get(health::healthz)),
        read: read
            .route("/rerank", post(rerank::rerank))
            .route("/v2/rerank", post(rerank::rerank)),
        write,
        description,
    }
}

/// What readers of a description insist on and the macros leave out.
fn complete(description: &mut openapi::OpenApi) {
    // What takes the rest of a path is a parameter like any other to those who read this.
    let paths = std::mem::take(&mut description.paths.paths).into_iter();
    let plain = paths.map(|(path, item)| (path.replace("{*", "{"), item));
    description.paths.paths = plain.collect();
    for item in description.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = said(status).to_owned();
                }
            }
        }
    }
}

/// What an answer with a status is.
fn said(status: &str) -> &'static str {
    match status {
        "200" => "The answer",
        "503" => "Not now",
        _ => "Why there is none",
    }
}
