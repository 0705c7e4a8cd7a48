//! The similarities of a query and a document, token by token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use colidx::{DocId, Index, Query, Similarities, TextSearcher};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::documents::unknown_key;
use super::hits::part;
use super::limits::within;
use super::search::{check_tokens, encode_queries};
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::served::Served;
use crate::vectors::Vectors;

/// Most similarities of one answer.
const SIMILARITIES: usize = 4 << 20;

/// A query, as text or token vectors, and a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    /// The query.
    query: Option<String>,
    /// Token vectors of a query instead, `[tokens][dim]`.
    #[schema(value_type = Option<Vec<Vec<f32>>>)]
    vectors: Option<Vectors>,
    /// The document's key.
    key: String,
}

/// All similarities between a query and a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainReply {
    /// The document's score, the sum of the largest similarity in each row.
    score: f32,
    /// The query's tokens, markers and expansion included; empty for a query of vectors.
    query_tokens: Vec<String>,
    /// The document's tokens, one for each vector; empty for a query of vectors.
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
    match (request.query, request.vectors) {
        (Some(query), None) => of_text(&app, served, query, request.key).await,
        (None, Some(vectors)) => of_vectors(&app, served, vectors, request.key).await,
        _ => Err(ApiError::invalid(
            "give query, a text, or vectors: one of the two",
        )),
    }
}

async fn of_text(
    app: &Arc<App>,
    served: Arc<Served>,
    query: String,
    key: String,
) -> Result<Json<ExplainReply>> {
    let model = app.model(&served).await?;
    let mut encoded = encode_queries(app, &model, &[query]).await?;
    let encoded = encoded.pop();
    let encoded = encoded.ok_or_else(|| ApiError::internal("a query was lost"))?;
    let reply = app.compute(move |_, _| {
        let searcher = TextSearcher::new(served.index(), model)?;
        let doc = find(searcher.index(), &key)?;
        let matrix = searcher.matrix(&encoded, doc)?;
        let tokens = matrix.document_tokens.into_iter().map(|token| TokenReply {
            part: token.place.as_ref().map(|place| part(place).0),
            start: token.place.as_ref().map(|place| part(place).1),
            text: token.text,
        });
        Ok(ExplainReply {
            query_tokens: matrix.query_tokens,
            document_tokens: tokens.collect(),
            ..ExplainReply::new(&matrix.similarities)?
        })
    });
    Ok(Json(reply.await?))
}

async fn of_vectors(
    app: &Arc<App>,
    served: Arc<Served>,
    vectors: Vectors,
    key: String,
) -> Result<Json<ExplainReply>> {
    check_tokens(&vectors)?;
    let reply = app.compute(move |_, _| {
        let index = served.index();
        let doc = find(&index, &key)?;
        // It refuses what is no query for this index.
        index.explain(&Query::new(&vectors.values, vectors.dim)?, doc)?;
        let document = index.token_vectors(doc)?;
        let all = Similarities::new(&vectors.values, &document, index.dim());
        ExplainReply::new(&all)
    });
    Ok(Json(reply.await?))
}

fn find(index: &Index, key: &str) -> Result<DocId> {
    index.find(key)?.ok_or_else(|| unknown_key(key))
}

impl ExplainReply {
    /// The similarities, without names of tokens.
    fn new(all: &Similarities) -> Result<ExplainReply> {
        let (queries, tokens) = (all.query_tokens(), all.document_tokens());
        let cells = queries.saturating_mul(tokens);
        within("the number of similarities", cells.max(1), SIMILARITIES)?;
        let row = |query: usize| {
            let values = (0..tokens).map(|token| all.of_document_token(token)[query]);
            values.collect()
        };
        Ok(ExplainReply {
            score: all.max_sim(),
            query_tokens: Vec::new(),
            document_tokens: Vec::new(),
            similarities: (0..queries).map(row).collect(),
        })
    }
}
