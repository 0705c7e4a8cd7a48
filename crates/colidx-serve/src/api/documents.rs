//! Documents: get, add, update, delete.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::hits::metadata;
use super::indexes::reload_now;
use super::limits::within;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::served::Served;
use crate::vectors::Vectors;
use crate::writer::{Change, Changed, StoredDocument};

/// A stored document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentReply {
    pub key: String,
    pub title: String,
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Its token vectors as searches see them, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Vec<f32>>>)]
    pub vectors: Option<Vectors>,
}

/// What to tell of a document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentQuery {
    /// Its token vectors too.
    #[serde(default)]
    vectors: bool,
}

/// Documents to store: all of them, or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentsRequest {
    documents: Vec<NewDocumentRequest>,
}

/// A document to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocumentRequest {
    /// Its name, unique in the index, of 1 to 4,096 bytes.
    key: String,
    #[serde(default)]
    title: String,
    /// Title and text are encoded together.
    #[serde(default)]
    text: String,
    /// Further fields.
    #[serde(default)]
    metadata: Map<String, Value>,
    /// Its token vectors, `[tokens][dim]`; without them the text is encoded.
    #[schema(value_type = Option<Vec<Vec<f32>>>)]
    vectors: Option<Vectors>,
    /// Vocabulary ids of the tokens of `vectors`, for an index that chooses centroids by token.
    #[serde(default)]
    token_ids: Vec<u32>,
}

/// Documents to delete, by their keys or by their metadata.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteRequest {
    /// Keys; unknown ones are ignored.
    keys: Option<Vec<String>>,
    /// All documents whose metadata match, as in a search.
    filter: Option<String>,
}

pub(super) fn unknown_key(key: &str) -> ApiError {
    ApiError::not_found("unknown_key", format!("no document has the key `{key}`"))
}

/// One document.
#[utoipa::path(
    get, path = "/v1/indexes/{name}/documents/{*key}", tag = "documents",
    params(
        ("name" = String, Path, description = "Name of the index"),
        ("key" = String, Path, description = "Key of the document, percent-encoded"),
        DocumentQuery
    ),
    responses((status = 200, body = DocumentReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path((name, key)): Path<(String, String)>,
    Query(query): Query<DocumentQuery>,
) -> Result<Json<DocumentReply>> {
    let served = app.index(&name).await?;
    let read = move || document(&served, &key, query.vectors);
    Ok(Json(app.compute(move |_, _| read()).await?))
}

/// The document with a key.
pub(crate) fn document(served: &Served, key: &str, vectors: bool) -> Result<DocumentReply> {
    let index = served.index();
    let doc = index.find(key)?.ok_or_else(|| unknown_key(key))?;
    let document = index.document(doc)?;
    let vectors = match vectors {
        false => None,
        true => Some(Vectors {
            values: index.token_vectors(doc)?,
            dim: index.dim(),
        }),
    };
    Ok(DocumentReply {
        key: document.key,
        title: document.title,
        text: document.text,
        metadata: metadata(document.metadata),
        vectors,
    })
}

/// Adds documents. The answer comes when they are durable.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/documents", tag = "documents",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = DocumentsRequest,
    responses((status = 200, body = Changed), (status = "default", body = ErrorBody))
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<DocumentsRequest>,
) -> Result<Json<Changed>> {
    store(&app, &name, request, Change::Add).await
}

/// Adds documents, replacing those with the same keys.
#[utoipa::path(
    put, path = "/v1/indexes/{name}/documents", tag = "documents",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = DocumentsRequest,
    responses((status = 200, body = Changed), (status = "default", body = ErrorBody))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<DocumentsRequest>,
) -> Result<Json<Changed>> {
    store(&app, &name, request, Change::Update).await
}

/// Deletes documents.
#[utoipa::path(
    delete, path = "/v1/indexes/{name}/documents", tag = "documents",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = DeleteRequest,
    responses((status = 200, body = Changed), (status = "default", body = ErrorBody))
)]
pub(crate) async fn delete_many(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<DeleteRequest>,
) -> Result<Json<Changed>> {
    let served = app.index(&name).await?;
    let deletion = match (request.keys, request.filter) {
        (Some(keys), None) => {
            within("the number of keys", keys.len(), app.options.limits.batch)?;
            Change::Delete(keys)
        }
        (None, Some(filter)) => Change::DeleteMatching(filter),
        _ => {
            let message = "give keys, or a filter, to say which documents to delete";
            return Err(ApiError::invalid(message));
        }
    };
    Ok(Json(change(&app, &served, deletion).await?))
}

/// Deletes one document.
#[utoipa::path(
    delete, path = "/v1/indexes/{name}/documents/{*key}", tag = "documents",
    params(
        ("name" = String, Path, description = "Name of the index"),
        ("key" = String, Path, description = "Key of the document, percent-encoded")
    ),
    responses((status = 200, body = Changed), (status = "default", body = ErrorBody))
)]
pub(crate) async fn delete_one(
    State(app): State<Arc<App>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    let served = app.index(&name).await?;
    let changed = change(&app, &served, Change::Delete(vec![key.clone()])).await?;
    match changed.deleted {
        0 => Err(unknown_key(&key)),
        _ => Ok(Json(changed)),
    }
}

async fn store(
    app: &Arc<App>,
    name: &str,
    request: DocumentsRequest,
    to_change: fn(Vec<StoredDocument>) -> Change,
) -> Result<Json<Changed>> {
    let most = app.options.limits.batch;
    within("the number of documents", request.documents.len(), most)?;
    let served = app.index(name).await?;
    let dim = served.index().dim();
    let documents = request.documents.into_iter().map(|new| new.stored(dim));
    let documents = documents.collect::<Result<Vec<_>>>()?;
    Ok(Json(change(app, &served, to_change(documents)).await?))
}

/// Makes a change; it is durable and visible when this returns.
pub(crate) async fn change(
    app: &Arc<App>,
    served: &Arc<Served>,
    change: Change,
) -> Result<Changed> {
    let mut stored = change.documents().iter();
    let model = match stored.any(|document| document.vectors.is_none()) {
        true => Some(app.model(served).await?),
        false => None,
    };
    let changed = served.writer.change(change, model).await?;
    reload_now(app, served).await?;
    Ok(changed)
}

impl NewDocumentRequest {
    /// Checks what the engine cannot: it is given values without their dimension.
    fn stored(self, dim: usize) -> Result<StoredDocument> {
        if let Some(vectors) = &self.vectors
            && vectors.rows() > 0
            && vectors.dim != dim
        {
            return Err(ApiError::invalid(format!(
                "the vectors of document `{}` have {} values each, those of the index {dim}",
                self.key, vectors.dim
            )));
        }
        Ok(StoredDocument {
            key: self.key,
            title: self.title,
            text: self.text,
            metadata: match self.metadata.is_empty() {
                true => String::new(),
                false => Value::Object(self.metadata).to_string(),
            },
            vectors: self.vectors,
            token_ids: self.token_ids,
        })
    }
}
