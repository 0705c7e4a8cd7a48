//! Searching text.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use colidx_core::{DocId, Document, Index, Query, SearchOptions, SearchResults, TokenMatch};
use colidx_encoder::{EncodedQuery, EncoderOptions, TokenSpan};

use super::document::{DocumentText, Part};
use super::error::{Result, TextError};
use super::highlight::Highlights;
use super::matrix::{DocumentToken, TokenMatrix};
use super::model::{Download, Model, Opened, Silent};
use crate::similarity::Similarities;

/// How a [`TextSearcher`] finds its checkpoint and computes with it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SearcherOptions {
    /// The checkpoint, a directory or a hub id; without it the one that the index records.
    pub model: Option<String>,
    /// How it computes.
    pub encoder: EncoderOptions,
}

impl SearcherOptions {
    /// Opens the checkpoint `model`, a directory or a hub id, in place of the one that the index
    /// records. It must be the same one, wherever it lies.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Computes as `encoder` says.
    pub fn encoder(mut self, encoder: EncoderOptions) -> Self {
        self.encoder = encoder;
        self
    }
}

/// An index and the checkpoint that fits it, at one commit. A clone is cheap and shares both; any
/// number of threads can search at once.
#[derive(Clone)]
pub struct TextSearcher {
    index: Index,
    model: Arc<Model>,
    options: SearcherOptions,
    notes: Vec<String>,
}

/// What [`TextSearcher::reload`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// No other commit.
    Unchanged,
    /// Another commit, of the same checkpoint.
    Commit,
    /// Another commit, of a checkpoint that had to be opened.
    Checkpoint,
}

/// A query and what it found.
pub struct Answer {
    /// The query.
    pub text: String,
    /// Its tokens and their vectors.
    pub encoded: EncodedQuery,
    /// What was found.
    pub results: SearchResults,
    /// Time to make the vectors.
    pub encode_time: Duration,
}

/// A document that a query found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct TextHit {
    /// MaxSim: the sum over query tokens of the best product with a document token.
    pub score: f32,
    /// The caller's name of the document.
    pub key: String,
    /// Empty where there is none.
    pub title: String,
    /// Empty where none is stored.
    pub text: String,
    /// Further fields as a JSON object; empty where there are none.
    pub metadata: String,
}

/// Whether nothing of a query's text was encoded: markers and padding stand for no text.
pub fn is_empty_query(query: &EncodedQuery) -> bool {
    query.tokens.iter().all(|token| token.start == token.end)
}

impl TextHit {
    fn new(score: f32, document: Document) -> TextHit {
        TextHit {
            score,
            key: document.key,
            title: document.title,
            text: document.text,
            metadata: document.metadata,
        }
    }
}

/// One query token and the word of the document that it matched best.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct TokenExplanation {
    /// The query token as the tokenizer writes it.
    pub query_token: String,
    /// The document token's own text; empty for markers.
    pub document_token: String,
    /// Where it begins, if it stands in the title or in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Their similarity.
    pub score: f32,
}

/// Which part of a document a token stands in, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Byte offset in the title.
    Title(usize),
    /// Byte offset in the text.
    Text(usize),
}

impl TextSearcher {
    /// Opens the index at `path` and the checkpoint that it records.
    ///
    /// # Errors
    /// There is no index, or the checkpoint is not where it was or has changed.
    pub fn open(path: impl AsRef<Path>) -> Result<TextSearcher> {
        TextSearcher::open_with(path, SearcherOptions::default(), &mut Silent)
    }

    /// Opens the index at `path` with a checkpoint as `options` say, and tells `download` what
    /// arrives from the hub.
    ///
    /// # Errors
    /// Neither the options nor the index name a checkpoint, or it is not the one that made the
    /// index.
    pub fn open_with(
        path: impl AsRef<Path>,
        options: SearcherOptions,
        download: &mut dyn Download,
    ) -> Result<TextSearcher> {
        let index = Index::open(path)?;
        let Opened { model, notes } =
            Model::of_index(&index, options.model.as_deref(), &options.encoder, download)?;
        Ok(TextSearcher {
            index,
            model: Arc::new(model),
            options,
            notes,
        })
    }

    /// Brings together an index and a checkpoint that are open.
    ///
    /// # Errors
    /// The checkpoint is not the one that made the index.
    pub fn new(index: Index, model: Arc<Model>) -> Result<TextSearcher> {
        model.check(&index)?;
        Ok(TextSearcher {
            index,
            options: SearcherOptions::default().model(model.location()),
            model,
            notes: Vec::new(),
        })
    }

    /// The index, at the commit that is searched.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The checkpoint.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Settings for queries that differ from those that the index records, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Moves on to the newest commit. Where the index was built anew with another checkpoint and
    /// records it, that checkpoint is opened, unless the options named one.
    ///
    /// # Errors
    /// As [`TextSearcher::open_with`]; the searcher then stays at its commit.
    pub fn reload(&mut self, download: &mut dyn Download) -> Result<Reload> {
        let Some(index) = self.index.reload()? else {
            return Ok(Reload::Unchanged);
        };
        if index.model().is_none() && self.options.model.is_none() {
            return Err(TextError::NoModelRecorded {
                index: index.path().to_owned(),
            });
        }
        let found = match self.model.check(&index) {
            Ok(()) => Reload::Commit,
            Err(TextError::WrongModel { .. } | TextError::WrongDimension { .. })
                if self.options.model.is_none() =>
            {
                let opened = Model::of_index(&index, None, &self.options.encoder, download)?;
                self.model = Arc::new(opened.model);
                self.notes = opened.notes;
                Reload::Checkpoint
            }
            Err(error) => return Err(error),
        };
        self.index = index;
        Ok(found)
    }

    /// The `k` best documents for a query, best first.
    ///
    /// # Errors
    /// The query is empty or cannot be encoded, or the index is damaged.
    pub fn search(&self, query: &str, k: usize) -> Result<Vec<TextHit>> {
        let options = SearchOptions::default().k(k).parallel(true);
        let answer = self.answer(query, &options)?;
        (0..answer.results.hits.len())
            .map(|at| self.hit(&answer, at))
            .collect()
    }

    /// Encodes a query and searches for it: hits with their scores, and what they cost.
    ///
    /// # Errors
    /// As [`TextSearcher::search`].
    pub fn answer(&self, query: &str, options: &SearchOptions) -> Result<Answer> {
        let began = Instant::now();
        let encoded = self.encode(query)?;
        let encode_time = began.elapsed();
        let vectors = Query::new(&encoded.vectors, self.model.info().dim)?;
        let results = self.index.search(&vectors, options)?;
        Ok(Answer {
            text: query.to_owned(),
            encoded,
            results,
            encode_time,
        })
    }

    /// Encodes one query.
    ///
    /// # Errors
    /// The query is empty or cannot be encoded.
    pub fn encode(&self, query: &str) -> Result<EncodedQuery> {
        let encoded = self.model.encoder().encode_query(query)?;
        if is_empty_query(&encoded) {
            return Err(TextError::EmptyQuery);
        }
        Ok(encoded)
    }

    /// Hit number `at` of an answer, from 0, with its document. Panics where the answer has no such
    /// hit.
    ///
    /// # Errors
    /// The index is damaged, or the answer is of another commit.
    pub fn hit(&self, answer: &Answer, at: usize) -> Result<TextHit> {
        let hit = &answer.results.hits[at];
        Ok(TextHit::new(hit.score, self.index.document(hit.doc)?))
    }

    /// As [`TextSearcher::hit`], with how much each word of the document matters to the query.
    ///
    /// # Errors
    /// As [`TextSearcher::hit`].
    pub fn highlighted_hit(&self, answer: &Answer, at: usize) -> Result<(TextHit, Highlights)> {
        let hit = &answer.results.hits[at];
        let document = self.index.document(hit.doc)?;
        let tokens = self.tokens(&document)?;
        let vectors = match tokens.is_empty() {
            true => Vec::new(),
            false => self.index.token_vectors(hit.doc)?,
        };
        let dim = self.index.dim();
        let highlights = Highlights::new(&answer.encoded, &document, &tokens, &vectors, dim);
        Ok((TextHit::new(hit.score, document), highlights))
    }

    /// What each query token matched in a document, in query order. The scores add up to the
    /// document's.
    ///
    /// # Errors
    /// The index is damaged, or the document is of another commit.
    pub fn explain(&self, query: &EncodedQuery, doc: DocId) -> Result<Vec<TokenExplanation>> {
        let vectors = Query::new(&query.vectors, self.model.info().dim)?;
        let tokens = self.located_tokens(doc)?;
        let explained = |found: &TokenMatch| {
            let query_token = query.tokens.get(found.query_token);
            let token = tokens.get(found.document_token);
            TokenExplanation {
                query_token: query_token
                    .map(|token| token.text.clone())
                    .unwrap_or_default(),
                document_token: token.map(|token| token.text.clone()).unwrap_or_default(),
                place: token.and_then(|token| token.place),
                score: found.score,
            }
        };
        let matches = self.index.explain(&vectors, doc)?;
        Ok(matches.iter().map(explained).collect())
    }

    /// Every token of a query beside every token of a document, with all similarities.
    ///
    /// # Errors
    /// As [`TextSearcher::explain`].
    pub fn matrix(&self, query: &EncodedQuery, doc: DocId) -> Result<TokenMatrix> {
        let dim = self.index.dim();
        let vectors = self.index.token_vectors(doc)?;
        let mut document_tokens = self.located_tokens(doc)?;
        // An index of vectors without text has no tokens to show, but all similarities.
        document_tokens.resize(vectors.len() / dim, DocumentToken::default());
        Ok(TokenMatrix {
            query_tokens: query
                .tokens
                .iter()
                .map(|token| token.text.clone())
                .collect(),
            document_tokens,
            similarities: Similarities::new(&query.vectors, &vectors, dim),
        })
    }

    /// The tokens that have a vector, with their text and place.
    fn located_tokens(&self, doc: DocId) -> Result<Vec<DocumentToken>> {
        let document = self.index.document(doc)?;
        let text = DocumentText::new(&document.title, &document.text);
        let located = |token: &TokenSpan| {
            let (word, place) = match text.locate(token.start..token.end) {
                Some(Part::Title(span)) => {
                    let place = Place::Title(span.start);
                    (document.title.get(span), Some(place))
                }
                Some(Part::Text(span)) => {
                    let place = Place::Text(span.start);
                    (document.text.get(span), Some(place))
                }
                None => (None, None),
            };
            DocumentToken {
                text: word.unwrap_or_default().to_owned(),
                place,
            }
        };
        Ok(self.tokens(&document)?.iter().map(located).collect())
    }

    /// The tokens that have a vector; none where no text is stored.
    fn tokens(&self, document: &Document) -> Result<Vec<TokenSpan>> {
        let text = DocumentText::new(&document.title, &document.text);
        match text.as_str() {
            "" => Ok(Vec::new()),
            text => Ok(self.model.encoder().document_tokens(text)?),
        }
    }
}
