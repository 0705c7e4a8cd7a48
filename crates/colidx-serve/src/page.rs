//! Pages and files that are part of the program.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::app::App;

/// `/openapi.json`.
pub(crate) fn routes(description: &OpenApi) -> Router<Arc<App>> {
    // A description of types always has a JSON form.
    let json = description.to_pretty_json().unwrap_or_default();
    let json = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    Router::new().route("/openapi.json", get(json))
}
