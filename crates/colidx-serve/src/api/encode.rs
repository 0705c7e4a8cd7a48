//! Text to token vectors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use colidx::Model;
use colidx::encoder::QueryToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::limits::within;
use crate::app::App;
use crate::encoding::Turn;
use crate::error::{ApiError, ErrorBody, Result};
use crate::vectors::Vectors;

/// Most values of all vectors of an answer: 64 MiB, and a few times as much as JSON.
const VALUES: usize = 1 << 24;

/// Texts to encode.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EncodeRequest {
    /// The texts.
    texts: Vec<String>,
    /// What they are.
    #[serde(default)]
    input_type: InputType,
    /// The index whose checkpoint encodes; without it the first index that has one.
    index: Option<String>,
}

/// What a text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputType {
    /// A query.
    #[default]
    Query,
    /// A document.
    Document,
}

/// Token vectors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EncodeReply {
    /// The checkpoint.
    model: String,
    /// Values in a vector.
    dim: usize,
    /// One for each text, in their order.
    results: Vec<EncodedReply>,
}

/// The token vectors of a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EncodedReply {
    /// `[tokens][dim]`.
    #[schema(value_type = Vec<Vec<f32>>)]
    vectors: Vectors,
    /// Vocabulary ids of the tokens.
    token_ids: Vec<u32>,
    /// Whether the end of the text was cut off.
    truncated: bool,
}

/// Encodes texts with the checkpoint of an index.
#[utoipa::path(
    post, path = "/v1/encode", tag = "models",
    request_body = EncodeRequest,
    responses((status = 200, body = EncodeReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn encode(
    State(app): State<Arc<App>>,
    Body(request): Body<EncodeRequest>,
) -> Result<Json<EncodeReply>> {
    within(
        "the number of texts",
        request.texts.len(),
        app.options.limits.batch,
    )?;
    let model = match &request.index {
        Some(name) => {
            let served = app.index(name).await?;
            app.model(&served).await?
        }
        None => any_model(&app).await?,
    };
    let mut results = Vec::with_capacity(request.texts.len());
    let mut values = 0;
    let mut turn = app.encoder.turn(&model);
    for part in request.texts.chunks(Turn::TEXTS) {
        let part = encode_part(&mut turn, part, request.input_type, model.info().dim).await?;
        values += part
            .iter()
            .map(|one| one.vectors.values.len())
            .sum::<usize>();
        if values > VALUES {
            let message = "the vectors of these texts are more than an answer may hold; send fewer";
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(ApiError::new(status, "too_large", message));
        }
        results.extend(part);
    }
    Ok(Json(EncodeReply {
        model: model.info().name.clone(),
        dim: model.info().dim,
        results,
    }))
}

async fn encode_part(
    turn: &mut Turn<'_>,
    texts: &[String],
    input_type: InputType,
    dim: usize,
) -> Result<Vec<EncodedReply>> {
    let reply = |values, token_ids, truncated| EncodedReply {
        vectors: Vectors { values, dim },
        token_ids,
        truncated,
    };
    Ok(match input_type {
        InputType::Query => {
            let encoded = turn.queries(texts).await?.into_iter();
            let ids = |tokens: &[QueryToken]| tokens.iter().map(|token| token.id).collect();
            encoded
                .map(|one| reply(one.vectors, ids(&one.tokens), one.truncated))
                .collect()
        }
        InputType::Document => {
            let encoded = turn.documents(texts).await?.into_iter();
            encoded
                .map(|one| reply(one.vectors, one.token_ids, one.truncated))
                .collect()
        }
    })
}

/// The checkpoint for requests that name no index.
pub(super) async fn any_model(app: &App) -> Result<Arc<Model>> {
    match app.any_checkpoint() {
        Some(checkpoint) => checkpoint.ready().await,
        None => Err(ApiError::invalid(
            "no index that is served names a checkpoint; serve one that was built from text",
        )),
    }
}
