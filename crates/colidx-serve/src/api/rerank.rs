//! Reranking, in the shape that Cohere and Jina gave it, and in that of text-embeddings-inference.
//!
//! Scores are MaxSim divided by the number of query tokens, so at most 1 for vectors of unit
//! length: callers compare them with thresholds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use colidx::{Model, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::encode::any_model;
use super::limits::within;
use super::search::encode_queries;
use crate::app::App;
use crate::encoding::Turn;
use crate::error::{ApiError, ErrorBody, Result};
use crate::guard::new_id;

/// A query and documents to rank for it. Other fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RerankRequest {
    /// The query.
    query: String,
    /// The documents.
    documents: Option<Vec<RerankDocument>>,
    /// The documents, in the shape of text-embeddings-inference.
    texts: Option<Vec<String>>,
    /// An index whose checkpoint ranks; another name is passed over, since clients must give one.
    model: Option<String>,
    /// How many of the best to return; all where it is left out, 0 or more than there are.
    top_n: Option<usize>,
    /// Whether to return the documents' text.
    #[serde(default)]
    return_documents: bool,
    /// As `return_documents`, for `texts`.
    #[serde(default)]
    return_text: bool,
    /// For `texts`: MaxSim itself instead of its mean over query tokens.
    #[serde(default)]
    raw_scores: bool,
}

/// A document to rank.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RerankDocument {
    /// Its text.
    Text(String),
    /// Its text, as a field.
    Object {
        /// The text.
        text: String,
    },
}

impl RerankDocument {
    fn into_text(self) -> String {
        match self {
            RerankDocument::Text(text) | RerankDocument::Object { text } => text,
        }
    }
}

/// Documents ranked for a query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RerankReply {
    /// Names this answer.
    id: String,
    /// The checkpoint that ranked.
    model: String,
    /// Best first.
    results: Vec<RerankResult>,
    /// What was read.
    usage: Usage,
}

/// A document and its rank.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RerankResult {
    /// Its number in the request, from 0.
    index: usize,
    /// MaxSim divided by the number of query tokens.
    relevance_score: f32,
    /// MaxSim.
    raw_score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentText>,
}

/// A document's text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentText {
    text: String,
}

/// Tokens that were encoded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// A document and its rank, in the shape of text-embeddings-inference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlainResult {
    index: usize,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// The answer, in the shape of the question.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RerankAnswer {
    /// To `documents`.
    Ranked(RerankReply),
    /// To `texts`.
    Plain(Vec<PlainResult>),
}

/// Ranks documents for a query. A body with `documents` is answered in the shape of Cohere and
/// Jina, one with `texts` by a bare list.
#[utoipa::path(
    post, path = "/v1/rerank", tag = "models",
    request_body = RerankRequest,
    responses((status = 200, body = RerankAnswer), (status = "default", body = ErrorBody))
)]
pub(crate) async fn rerank(
    State(app): State<Arc<App>>,
    Body(mut request): Body<RerankRequest>,
) -> Result<Json<RerankAnswer>> {
    let (plain, texts) = match (request.documents.take(), request.texts.take()) {
        (Some(documents), _) => {
            let texts = documents.into_iter().map(RerankDocument::into_text);
            (false, texts.collect())
        }
        (None, Some(texts)) => (true, texts),
        (None, None) => {
            let message = "there is nothing to rank; give documents, a list of texts";
            return Err(ApiError::invalid(message));
        }
    };
    let batch = app.options.limits.batch;
    within("the number of documents", texts.len(), batch)?;
    let named = request
        .model
        .as_ref()
        .and_then(|name| app.indexes.get(name));
    let model = match named.and_then(|served| served.checkpoint()) {
        Some(checkpoint) => checkpoint.ready().await?,
        None => any_model(&app).await?,
    };
    let ranking = rank(&app, &model, &request.query, texts).await?;
    Ok(Json(match plain {
        true => RerankAnswer::Plain(ranking.plain(&request)),
        false => RerankAnswer::Ranked(ranking.reply(&request, &model)),
    }))
}

/// Documents by their score, best first.
struct Ranking {
    /// Number in the request, MaxSim and text.
    documents: Vec<(usize, f32, String)>,
    query_tokens: usize,
    tokens: usize,
}

async fn rank(
    app: &Arc<App>,
    model: &Arc<Model>,
    query: &str,
    texts: Vec<String>,
) -> Result<Ranking> {
    let query = encode_queries(app, model, &[query.to_owned()]).await?;
    let vectors: Vec<f32> = query.into_iter().flat_map(|query| query.vectors).collect();
    let query = Arc::new(Query::new(&vectors, model.info().dim)?);
    let query_tokens = query.tokens();
    let (mut scores, mut tokens) = (Vec::with_capacity(texts.len()), query_tokens);
    // A few at a time, whose vectors are let go when they are scored.
    let mut turn = app.encoder.turn(model);
    for part in texts.chunks(Turn::TEXTS) {
        let encoded = turn.documents(part).await?;
        tokens += encoded.iter().map(|one| one.token_ids.len()).sum::<usize>();
        let query = Arc::clone(&query);
        let scored = app.compute(move |_, _| {
            let scores = encoded.iter().map(|one| query.maxsim(&one.vectors));
            let scores: Vec<Option<f32>> = scores.collect::<colidx::Result<_>>()?;
            Ok(scores)
        });
        // A text without vectors matches nothing.
        scores.extend(scored.await?.into_iter().map(Option::unwrap_or_default));
    }
    let scored = scores.into_iter().zip(texts).enumerate();
    let mut documents: Vec<(usize, f32, String)> = scored
        .map(|(index, (score, text))| (index, score, text))
        .collect();
    documents.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(Ranking {
        documents,
        query_tokens,
        tokens,
    })
}

impl Ranking {
    fn mean(&self, score: f32) -> f32 {
        score / self.query_tokens.max(1) as f32
    }

    fn plain(self, request: &RerankRequest) -> Vec<PlainResult> {
        let result = |(index, score, text): &(usize, f32, String)| PlainResult {
            index: *index,
            score: match request.raw_scores {
                true => *score,
                false => self.mean(*score),
            },
            text: request.return_text.then(|| text.clone()),
        };
        self.documents.iter().map(result).collect()
    }

    fn reply(self, request: &RerankRequest, model: &Model) -> RerankReply {
        let wanted = request.top_n.filter(|&n| n > 0).unwrap_or(usize::MAX);
        let result = |(index, score, text): &(usize, f32, String)| RerankResult {
            index: *index,
            relevance_score: self.mean(*score),
            raw_score: *score,
            document: request
                .return_documents
                .then(|| DocumentText { text: text.clone() }),
        };
        RerankReply {
            id: new_id(),
            model: model.info().name.clone(),
            results: self.documents.iter().take(wanted).map(result).collect(),
            usage: Usage {
                prompt_tokens: self.tokens,
                total_tokens: self.tokens,
            },
        }
    }
}
