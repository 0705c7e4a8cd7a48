//! The similarities of a query and a document, token by token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use colidx::TextSearcher;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::documents::unknown_key;
use super::hits::part;
use super::search::encode_queries;
use crate::app::App;
use crate::error::{ErrorBody, Result};

/// A query and a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    /// The query.
    query: String,
    /// The document's key.
    key: String,
}

/// All similarities between a query and a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainReply {
    /// The document's score, the sum of the largest similarity in each row.
    score: f32,
    /// The query's tokens, markers and expansion included.
    query_tokens: Vec<String>,
    /// The document's tokens, one for each vector.
    document_tokens: Vec<TokenReply>,
    /// `[query tokens][document tokens]`.
    similarities: Vec<Vec<f32>>,
}

/// A token of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenReply {
    /// Its own text; empty for markers.
    text: String,
    /// `title` or `text`, if it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    /// Its first byte in that part.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
}

/// The similarity of every query token to every document token.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/explain", tag = "search",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = ExplainRequest,
    responses((status = 200, body = ExplainReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<ExplainRequest>,
) -> Result<Json<ExplainReply>> {
    let served = app.index(&name).await?;
    let model = app.model(&served).await?;
    let encoded = encode_queries(&app, &model, std::slice::from_ref(&request.query)).await?;
    let reply = app.compute(move |_, _| {
        let searcher = TextSearcher::new(served.index(), model)?;
        let doc = searcher.index().find(&request.key)?;
        let doc = doc.ok_or_else(|| unknown_key(&request.key))?;
        let mut reply = ExplainReply {
            score: 0.0,
            query_tokens: Vec::new(),
            document_tokens: Vec::new(),
            similarities: Vec::new(),
        };
        for encoded in &encoded {
            let matrix = searcher.matrix(encoded, doc)?;
            let all = &matrix.similarities;
            reply.score = all.max_sim();
            let row = |query: usize| {
                let tokens = 0..all.document_tokens();
                tokens
                    .map(|token| all.of_document_token(token)[query])
                    .collect()
            };
            reply.similarities = (0..all.query_tokens()).map(row).collect();
            reply.query_tokens = matrix.query_tokens;
            let tokens = matrix.document_tokens.into_iter().map(|token| TokenReply {
                part: token.place.as_ref().map(|place| part(place).0),
                start: token.place.as_ref().map(|place| part(place).1),
                text: token.text,
            });
            reply.document_tokens = tokens.collect();
        }
        Ok(reply)
    });
    Ok(Json(reply.await?))
}
