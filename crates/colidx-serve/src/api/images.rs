//! The image that a document names, such as the page that its vectors were made of.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::ToSchema;

use super::documents::document;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};

/// The metadata field that names a document's image.
const FIELD: &str = "image";

/// An image is shown and nothing else, even where it is opened by its address.
const POLICY: &str = "default-src 'none'; sandbox";

/// The bytes of an image.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "a description alone")]
struct Binary(Vec<u8>);

/// The image that a document names in `image`, from the folder of images that is served.
#[utoipa::path(
    get, path = "/v1/indexes/{name}/images/{*key}", tag = "documents",
    params(
        ("name" = String, Path, description = "Name of the index"),
        ("key" = String, Path, description = "Key of the document, percent-encoded")
    ),
    responses(
        (status = 200, description = "The image", content(
            (Binary = "image/png"), (Binary = "image/jpeg"),
            (Binary = "image/gif"), (Binary = "image/webp")
        )),
        (status = "default", body = ErrorBody)
    )
)]
pub(crate) async fn image(
    State(app): State<Arc<App>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<Response> {
    let served = app.index(&name).await?;
    let none = |message: String| ApiError::not_found("no_image", message);
    let read = move || {
        let Some(images) = &app.images else {
            return Err(none("the service was given no folder of images".to_owned()));
        };
        let metadata = document(&served, &key, false)?.metadata;
        let named = metadata.as_ref().and_then(|metadata| metadata.get(FIELD));
        let Some(named) = named.and_then(Value::as_str) else {
            return Err(none(format!("document `{key}` names no {FIELD}")));
        };
        let image = images.read(named);
        image.map_err(|error| none(format!("the image {named:?} of document `{key}` {error}")))
    };
    // Not on the threads that search: a disk may be slow.
    let image = tokio::task::spawn_blocking(read).await;
    let image = image.map_err(ApiError::internal)??;
    let headers = [
        (header::CONTENT_TYPE, image.kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, image.bytes).into_response())
}
