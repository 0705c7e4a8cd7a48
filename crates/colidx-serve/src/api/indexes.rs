//! The indexes that are served.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use colidx::ModelInfo;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ErrorBody, Result};
use crate::served::Served;
use crate::writer::{Change, Changed};

/// The indexes that are served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexesReply {
    indexes: Vec<IndexReply>,
}

/// An index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexReply {
    /// Its name in routes.
    name: String,
    /// Counts commits.
    generation: u64,
    /// Documents that a search can find.
    documents: u64,
    /// Their token vectors.
    vectors: u64,
    /// Values in a vector.
    dim: usize,
    /// Bits stored for a value.
    nbits: u32,
    /// Centroids of the codebook.
    centroids: usize,
    /// Bytes of all files.
    bytes: u64,
    /// Deleted documents that merging has yet to reclaim.
    deleted_documents: u64,
    /// Parts that were written together.
    segments: usize,
    /// Whether it can be asked with text; `null` while its checkpoint is being opened.
    text: Option<bool>,
    /// Whether its words can be searched.
    words: bool,
    /// Whether images that its documents name are served.
    images: bool,
    /// The checkpoint that made the vectors, where that is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelReply>,
}

/// A checkpoint, as an index records it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelReply {
    name: String,
    architecture: String,
    /// Hash of weights, tokenizer and configuration.
    fingerprint: String,
    /// Longest document in tokens.
    document_length: usize,
    /// Length of a query in tokens.
    query_length: usize,
}

impl From<&ModelInfo> for ModelReply {
    fn from(model: &ModelInfo) -> ModelReply {
        ModelReply {
            name: model.name.clone(),
            architecture: model.architecture.clone(),
            fingerprint: model.fingerprint.clone(),
            document_length: model.document_length,
            query_length: model.query_length,
        }
    }
}

/// What an index is. Reads tables of its files, so it does not belong on a thread that answers.
pub(crate) fn describe(app: &App, served: &Served) -> Result<IndexReply> {
    let index = served.index();
    let info = index.info()?;
    Ok(IndexReply {
        name: served.name.clone(),
        generation: info.generation,
        documents: info.documents,
        vectors: info.vectors,
        dim: info.dim,
        nbits: info.nbits,
        centroids: info.centroids,
        bytes: info.bytes,
        deleted_documents: info.deleted_documents,
        segments: info.segments.len(),
        text: match served.checkpoint() {
            Some(checkpoint) => checkpoint.is_open(),
            None => Some(false),
        },
        words: index.analyzer()?.is_some(),
        images: app.images.is_some(),
        model: index.model().map(ModelReply::from),
    })
}

/// All indexes.
#[utoipa::path(
    get, path = "/v1/indexes", tag = "indexes",
    responses((status = 200, body = IndexesReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<IndexesReply>> {
    let mut all = Vec::with_capacity(app.indexes.len());
    for name in app.indexes.keys() {
        all.push(app.index(name).await?);
    }
    let shared = Arc::clone(&app);
    let describe = move || all.iter().map(|served| describe(&shared, served)).collect();
    let indexes = app.compute(move |_, _| describe()).await?;
    Ok(Json(IndexesReply { indexes }))
}

/// One index.
#[utoipa::path(
    get, path = "/v1/indexes/{name}", tag = "indexes",
    params(("name" = String, Path, description = "Name of the index")),
    responses((status = 200, body = IndexReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn describe_one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<IndexReply>> {
    let served = app.index(&name).await?;
    let shared = Arc::clone(&app);
    let describe = move || describe(&shared, &served);
    Ok(Json(app.compute(move |_, _| describe()).await?))
}

/// What a reload found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReloadReply {
    /// Whether there was a newer commit.
    newer: bool,
    /// The commit that is served now.
    generation: u64,
}

/// Moves on to the newest commit at once. Commits by other programs are found within a second
/// anyway.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/reload", tag = "indexes",
    params(("name" = String, Path, description = "Name of the index")),
    responses((status = 200, body = ReloadReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ReloadReply>> {
    let served = app.index(&name).await?;
    let newer = reload_now(&app, &served).await?;
    let generation = served.index().generation();
    Ok(Json(ReloadReply { newer, generation }))
}

/// Moves on to the newest commit.
pub(crate) async fn reload_now(app: &Arc<App>, served: &Arc<Served>) -> Result<bool> {
    let (app, served) = (Arc::clone(app), Arc::clone(served));
    let all = Arc::clone(&app);
    app.compute(move |_, _| Ok(served.reload(&all.checkpoints)?))
        .await
}

/// Merges all segments into one, without deleted documents.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/compact", tag = "indexes",
    params(("name" = String, Path, description = "Name of the index")),
    responses((status = 200, body = Changed), (status = "default", body = ErrorBody))
)]
pub(crate) async fn compact(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Changed>> {
    let served = app.index(&name).await?;
    let changed = served.writer.change(Change::Compact, None).await?;
    reload_now(&app, &served).await?;
    Ok(Json(changed))
}
