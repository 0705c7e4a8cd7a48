//! Searching: by text, by vectors, or many at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::{Extension, Json};
use colidx::encoder::EncodedQuery;
use colidx::text::is_empty_query;
use colidx::{
    CancelToken, Fusion, Index, Model, Query, SearchBy, SearchOptions, TextSearcher, WordQuery,
};
use rayon::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::Body;
use super::hits::{SearchReply, text_reply, vector_reply};
use super::limits::{effort, within};
use super::scope::scope;
use crate::app::{App, Deadline};
use crate::error::{ApiError, ErrorBody, Result};
use crate::served::Served;
use crate::vectors::Vectors;

/// Most token vectors of a query: far more than checkpoints make.
const TOKENS: usize = 4096;

/// Most hits of all searches of a request, whose documents are held at a time.
const HITS: usize = 10_000;

/// A search, by text or by vectors.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// Text to search for.
    pub query: Option<String>,
    /// Token vectors to search with instead, `[tokens][dim]`.
    #[schema(value_type = Option<Vec<Vec<f32>>>)]
    pub vectors: Option<Vectors>,
    /// Hits wanted.
    #[serde(default = "ten")]
    #[schema(default = 10, minimum = 1)]
    pub k: usize,
    /// What to search by; words need a query.
    #[serde(default)]
    pub by: By,
    /// How one score is made of two where both are searched.
    #[serde(default)]
    pub fusion: FusionName,
    /// In a convex fusion a score is `weight` x MaxSim + (1 - `weight`) x BM25: 0 to 1, and
    /// 0.965 unless given.
    pub weight: Option<f32>,
    /// Only documents whose metadata match, as in SQL's WHERE: `year >= 2020 AND lang = 'en'`.
    pub filter: Option<String>,
    /// Only documents with these keys; unknown ones are ignored.
    pub keys: Option<Vec<String>>,
    /// Score every document instead of generating candidates.
    #[serde(default)]
    pub exact: bool,
    /// Tell for each hit what each query token matched.
    #[serde(default)]
    pub explain: bool,
    /// How much work to do.
    #[serde(default)]
    pub effort: Effort,
    /// Fields of a hit besides its key and score.
    #[serde(default = "Field::most")]
    #[schema(default = json!(["title", "text", "metadata"]))]
    pub with: BTreeSet<Field>,
}

/// What to search by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// Token vectors: MaxSim.
    #[default]
    Vectors,
    /// Words: BM25. "phrases", +required and -excluded words.
    Words,
    /// Vectors and words together.
    Hybrid,
}

/// How one score is made of MaxSim and BM25.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FusionName {
    /// A weighted sum.
    #[default]
    Convex,
    /// Reciprocal rank fusion, k = 60.
    Rrf,
    /// The best by words, ranked by vectors.
    Rerank,
}

/// How much work to do: more finds more, and takes longer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Effort {
    /// The share of the exact top `k` to find, by what `colidx tune` measured on the index; 1
    /// scores every document.
    pub recall: Option<f64>,
    /// Centroids probed for each query token.
    pub n_probe: Option<usize>,
    /// Candidates scored by partial MaxSim.
    pub candidates: Option<usize>,
    /// Documents scored exactly, at least `k`.
    pub rerank: Option<usize>,
}

/// What a hit can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Field {
    /// The document's title.
    Title,
    /// The document's text.
    Text,
    /// The document's further fields.
    Metadata,
    /// How much each word of title and text matters to the query. Needs a query of text.
    Highlights,
    /// The best passage of the text. Needs a query of text.
    Snippet,
}

impl Field {
    fn most() -> BTreeSet<Field> {
        [Field::Title, Field::Text, Field::Metadata].into()
    }
}

fn ten() -> usize {
    10
}

/// Many searches.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyRequest {
    /// The searches, answered in this order. Those by text are encoded together.
    pub searches: Vec<SearchRequest>,
}

/// The answers to many searches.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ManyReply {
    /// In the order of the searches.
    pub results: Vec<SearchReply>,
}

/// The best documents for a query of text or of token vectors.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/search", tag = "search",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = SearchRequest,
    responses((status = 200, body = SearchReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Extension(deadline): Extension<Deadline>,
    Body(request): Body<SearchRequest>,
) -> Result<Json<SearchReply>> {
    let served = app.index(&name).await?;
    let mut replies = answer(&app, &served, vec![request], deadline).await?;
    replies
        .pop()
        .map(Json)
        .ok_or_else(|| ApiError::internal("a search was lost"))
}

/// Many searches at once.
#[utoipa::path(
    post, path = "/v1/indexes/{name}/search/many", tag = "search",
    params(("name" = String, Path, description = "Name of the index")),
    request_body = ManyRequest,
    responses((status = 200, body = ManyReply), (status = "default", body = ErrorBody))
)]
pub(crate) async fn search_many(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Extension(deadline): Extension<Deadline>,
    Body(request): Body<ManyRequest>,
) -> Result<Json<ManyReply>> {
    let served = app.index(&name).await?;
    let most = app.options.limits.batch;
    within("the number of searches", request.searches.len(), most)?;
    let results = answer(&app, &served, request.searches, deadline).await?;
    Ok(Json(ManyReply { results }))
}

/// Answers searches in their order, all at one commit.
pub(crate) async fn answer(
    app: &Arc<App>,
    served: &Arc<Served>,
    requests: Vec<SearchRequest>,
    deadline: Deadline,
) -> Result<Vec<SearchReply>> {
    for request in &requests {
        request.check(app.options.limits.k)?;
    }
    let hits = requests.iter().map(|request| request.k).sum();
    within("k of all searches", hits, app.options.limits.k.max(HITS))?;
    let texts: Vec<String> = requests
        .iter()
        .filter_map(SearchRequest::to_encode)
        .collect();
    let began = Instant::now();
    let (model, encoded) = match texts.is_empty() {
        true => (None, Vec::new()),
        false => {
            let model = app.model(served).await?;
            let encoded = encode_queries(app, &model, &texts).await?;
            (Some(model), encoded)
        }
    };
    let encode_time = began.elapsed() / texts.len().max(1) as u32;
    if model.is_some() {
        app.metrics.stage("encode", encode_time);
    }
    let mut encoded = encoded.into_iter();
    let asked = requests.into_iter().map(|request| {
        let encoded = request.to_encode().and_then(|_| encoded.next());
        (request, encoded)
    });
    let search = Search {
        app: Arc::clone(app),
        index: served.index(),
        name: served.name.clone(),
        model,
        encode_time,
        deadline,
    };
    let asked: Vec<(SearchRequest, Option<EncodedQuery>)> = asked.collect();
    app.compute(move |gone, alone| match asked.len() {
        1 => asked
            .into_iter()
            .map(|asked| search.one(asked, gone, alone))
            .collect(),
        _ => asked
            .into_par_iter()
            .map(|asked| search.one(asked, gone, false))
            .collect(),
    })
    .await
}

/// Refuses more token vectors than a query can have; that there are none the engine says better.
pub(super) fn check_tokens(vectors: &Vectors) -> Result<()> {
    within("the number of token vectors", vectors.rows().max(1), TOKENS)
}

/// Encodes queries of text, none of them empty.
pub(crate) async fn encode_queries(
    app: &App,
    model: &Arc<Model>,
    texts: &[String],
) -> Result<Vec<EncodedQuery>> {
    let encoded = app.encoder.turn(model).queries(texts).await?;
    match encoded.iter().any(is_empty_query) {
        true => Err(colidx::TextError::EmptyQuery.into()),
        false => Ok(encoded),
    }
}

impl SearchRequest {
    /// A search for text, with all else as usual. `filter` may be empty.
    #[cfg(feature = "mcp")]
    pub fn text(query: String, k: usize, by: &str, filter: String) -> Result<SearchRequest> {
        let by = match by {
            "vectors" => By::Vectors,
            "words" => By::Words,
            "hybrid" => By::Hybrid,
            other => {
                let message = format!("by is {other:?}, expected vectors, words or hybrid");
                return Err(ApiError::invalid(message));
            }
        };
        Ok(SearchRequest {
            query: Some(query),
            vectors: None,
            by,
            fusion: FusionName::Convex,
            weight: None,
            filter: Some(filter).filter(|filter| !filter.trim().is_empty()),
            keys: None,
            k,
            exact: false,
            explain: false,
            effort: Effort::default(),
            with: Field::most(),
        })
    }

    fn check(&self, most: usize) -> Result<()> {
        match (&self.query, &self.vectors) {
            (None, Some(_)) if self.by != By::Vectors => {
                let message =
                    "words are searched by a query of text; give query instead of vectors";
                return Err(ApiError::invalid(message));
            }
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    "both query and vectors are given; give one",
                ));
            }
            (None, None) => {
                let message = "there is nothing to search for; give query, a text, or vectors";
                return Err(ApiError::invalid(message));
            }
            (None, Some(_)) if self.lights_words() => {
                let message = "highlights and snippets need the words of a query; give query \
                    instead of vectors";
                return Err(ApiError::invalid(message));
            }
            _ => {}
        }
        if self.weight.is_some() && (self.by, self.fusion) != (By::Hybrid, FusionName::Convex) {
            let message = "weight belongs to a hybrid search by a convex fusion; leave it out, or \
                set by to hybrid";
            return Err(ApiError::invalid(message));
        }
        if self.fusion != FusionName::Convex && self.by != By::Hybrid {
            let message = "fusion belongs to a hybrid search; leave it out, or set by to hybrid";
            return Err(ApiError::invalid(message));
        }
        if let Some(vectors) = &self.vectors {
            check_tokens(vectors)?;
        }
        within("k", self.k, most)?;
        effort("effort.n_probe", self.effort.n_probe)?;
        effort("effort.candidates", self.effort.candidates)?;
        effort("effort.rerank", self.effort.rerank)
    }

    /// Whether it must be known which words matter.
    pub fn lights_words(&self) -> bool {
        self.with.contains(&Field::Highlights) || self.with.contains(&Field::Snippet)
    }

    /// The text whose vectors are needed.
    fn to_encode(&self) -> Option<String> {
        let query = self.query.as_ref()?;
        match self.by {
            By::Vectors => Some(query.clone()),
            By::Words => None,
            By::Hybrid => Some(WordQuery::parse(query).without_syntax()),
        }
    }

    fn search_by(&self) -> SearchBy {
        match self.by {
            By::Vectors => SearchBy::Vectors,
            By::Words => SearchBy::Words,
            By::Hybrid => SearchBy::Both(match (self.fusion, self.weight) {
                (FusionName::Convex, None) => Fusion::default(),
                (FusionName::Convex, Some(weight)) => Fusion::Convex { weight },
                (FusionName::Rrf, _) => Fusion::ReciprocalRank { k: 60.0 },
                (FusionName::Rerank, _) => Fusion::Rerank,
            }),
        }
    }

    fn options(&self, index: &Index) -> Result<SearchOptions> {
        let options = SearchOptions::default();
        let mut options = options
            .k(self.k)
            .exact(self.exact)
            .recall(self.effort.recall)
            .n_probe(self.effort.n_probe)
            .candidates(self.effort.candidates)
            .rerank(self.effort.rerank);
        let within = scope(index, self.filter.as_deref(), self.keys.as_deref())?;
        if let Some(within) = within {
            options = options.within(within);
        }
        Ok(options)
    }
}

/// What the searches of one request share.
struct Search {
    app: Arc<App>,
    name: String,
    index: Index,
    model: Option<Arc<Model>>,
    encode_time: Duration,
    deadline: Deadline,
}

impl Search {
    fn one(
        &self,
        (request, encoded): (SearchRequest, Option<EncodedQuery>),
        gone: &CancelToken,
        alone: bool,
    ) -> Result<SearchReply> {
        let options = request
            .options(&self.index)?
            .parallel(alone)
            .cancel(gone.clone())
            .deadline(self.deadline.0);
        let by = request.search_by();
        let mut reply = match (&request.query, &self.model) {
            (Some(query), model) => {
                let searcher = match (by, model) {
                    (SearchBy::Words, _) | (_, None) => TextSearcher::by_words(self.index.clone()),
                    (_, Some(model)) => TextSearcher::new(self.index.clone(), Arc::clone(model)),
                }?;
                let mut answer = searcher.answer_encoded(query, encoded, by, &options)?;
                answer.encode_time = self.encode_time;
                self.app.metrics.search(&answer.results.stats);
                text_reply(&searcher, &answer, &request)?
            }
            _ => {
                let vectors = request.vectors.as_ref();
                let vectors = vectors.ok_or_else(|| ApiError::internal("a query was lost"))?;
                let query = Query::new(&vectors.values, vectors.dim)?;
                let results = self.index.search(&query, &options)?;
                self.app.metrics.search(&results.stats);
                vector_reply(&self.index, &query, results, &request)?
            }
        };
        reply.index.clone_from(&self.name);
        reply.generation = self.index.generation();
        Ok(reply)
    }
}
