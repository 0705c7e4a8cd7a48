//! The fields of the metadata, and how many documents have which value.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use colidx::{FieldInfo, Filter, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::limits::within;
use super::scope::scope;
use crate::app::App;
use crate::error::{ErrorBody, Result};

/// Most fields to count at a time.
const FIELDS: usize = 100;

/// The fields of the metadata of an index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldsReply {
    /// The commit that was looked at.
    generation: u64,
    /// Ascending by path.
    fields: Vec<FieldReply>,
}

/// A field of the metadata.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldReply {
    /// Its path, as in `author.name`.
    path: String,
    /// Documents that have it.
    documents: u64,
    /// Distinct values.
    distinct: u64,
    /// Documents with a boolean in it.
    booleans: u64,
    /// Documents with an integer in it.
    integers: u64,
    /// Documents with another number in it.
    floats: u64,
    /// Documents with a string in it.
    strings: u64,
}

impl From<FieldInfo> for FieldReply {
    fn from(field: FieldInfo) -> FieldReply {
        FieldReply {
            path: field.path,
            documents: field.documents,
            distinct: field.distinct,
            booleans: field.types.booleans,
            integers: field.types.integers,
            floats: field.types.floats,
            strings: field.types.strings,
        }
    }
}

/// What to count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FacetsRequest {
    /// Paths of the fields whose values are counted.
    fields: Vec<String>,
    /// Only documents whose metadata match, as in a search.
    filter: Option<String>,
    /// Only documents with these keys.
    keys: Option<Vec<String>>,
    /// Values wanted of each field, the most frequent.
    #[serde(default = "ten")]
    #[schema(default = 10, minimum = 1)]
    most: usize,
}

fn ten() -> usize {
    10
}

/// How many documents have which value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsReply {
    /// The commit that was counted.
    generation: u64,
    /// Documents that filter and keys leave.
    documents: u64,
    /// In the order of the request.
    facets: Vec<FacetReply>,
}

/// The values of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetReply {
    /// The field.
    path: String,
    /// Most frequent first.
    values: Vec<FacetValue>,
}

/// A value and how many documents have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    /// A boolean, a number or a string.
    value: serde_json::Value,
    /// Documents that have it.
    documents: u64,
    /// The filter for these documents, to be joined to others with AND.
    filter: String,
}

impl FacetValue {
    fn new(path: &str, value: Value, documents: u64) -> FacetValue {
        FacetValue {
            filter: Filter::equals(path, value.clone()).to_string(),
            value: match value {
                Value::Bool(value) => value.into(),
                Value::I64(value) => value.into(),
                Value::F64(value) => value.into(),
                Value::String(value) => value.into(),
                // A type of value that this program does not know.
                _ => serde_json::Value::Null,
            },
            documents,
        }
    }
}

/// The fields of the metadata. Documents that were deleted and are not merged away yet still count.
#[utoipa::path(
    get, path = "/v1/indexes/{name}/fields", tag = "search",
    params(("name" = String, Path, description = "Name of the index")),
    responses((status = 200, body = FieldsReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn fields(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<FieldsReply>> {
    let served = app.index(&name).await?;
    let reply = app.compute(move |_, _| {
        let index = served.index();
        let fields = index.fields()?.into_iter().map(FieldReply::from);
        Ok(FieldsReply {
            generation: index.generation(),
            fields: fields.collect(),
        })
    });
    Ok(Json(reply.await?))
}

/// How many documents have which values, of all or of those that match a filter.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/facets", tag = "search",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = FacetsRequest,
    responses((status = 200, body = FacetsReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn facets(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<FacetsRequest>,
) -> Result<Json<FacetsReply>> {
    // Without fields the documents are counted alone.
    within("the number of fields", request.fields.len().max(1), FIELDS)?;
    within("most", request.most, app.options.limits.k)?;
    let served = app.index(&name).await?;
    let reply = app.compute(move |gone, _| {
        let index = served.index();
        let among = scope(&index, request.filter.as_deref(), request.keys.as_deref())?;
        let count = |path: String| {
            if gone.is_cancelled() {
                return Err(colidx::Error::SearchCancelled.into());
            }
            let values = index.facets(&path, among.as_ref(), request.most)?;
            let values = values.into_iter();
            let values = values.map(|(value, count)| FacetValue::new(&path, value, count));
            let values = values.collect();
            Ok(FacetReply { path, values })
        };
        Ok(FacetsReply {
            generation: index.generation(),
            documents: among
                .as_ref()
                .map_or_else(|| index.num_documents(), |set| set.len()),
            facets: request
                .fields
                .into_iter()
                .map(count)
                .collect::<Result<_>>()?,
        })
    });
    Ok(Json(reply.await?))
}
