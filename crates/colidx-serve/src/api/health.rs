//! Whether the service is well, for machines that watch it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::metrics::{CONTENT_TYPE, IndexNow};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = str)))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether indexes and checkpoints are open and requests are taken: 200, or 503.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses((status = 200, body = str), (status = 503, body = crate::error::ErrorBody))
)]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str> {
    match app.is_ready() {
        true => Ok("ready\n"),
        false => Err(ApiError::unavailable(
            "not_ready",
            "a checkpoint is not open, or the service is stopping",
        )),
    }
}

/// Counters and timings in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = str)))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response> {
    let shared = Arc::clone(&app);
    let read = move || -> Result<String> {
        let mut indexes = Vec::with_capacity(shared.indexes.len());
        for served in shared.indexes.values() {
            served.look(&shared.checkpoints, &shared.log);
            let index = served.index();
            indexes.push(IndexNow {
                name: &served.name,
                documents: index.num_documents(),
                vectors: index.num_vectors(),
                bytes: index.info()?.bytes,
                generation: index.generation(),
            });
        }
        Ok(shared.metrics.text(&indexes, shared.encoder.depth()))
    };
    // Not on the pool, so that a busy service can be watched.
    let text = tokio::task::spawn_blocking(read)
        .await
        .map_err(ApiError::internal)??;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
