//! Searching text.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use colidx_core::{DocId, Document, Index, Query, SearchOptions, TokenMatch, WordMatch, WordQuery};
use colidx_encoder::{EncodedQuery, EncoderOptions, TokenSpan};
use rayon::prelude::*;

use super::answer::{Answer, Place, SearchBy, TextHit, TokenExplanation, is_empty_query};
use super::document::{DocumentText, Part};
use super::error::{Result, TextError};
use super::highlight::Highlights;
use super::matrix::{DocumentToken, TokenMatrix};
use super::model::{Download, Model, Opened, Silent};
use super::span::Spans;
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
    /// `None` for a searcher by words alone.
    model: Option<Arc<Model>>,
    options: SearcherOptions,
    notes: Vec<String>,
}

/// What [`TextSearcher::reload`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// No other commit.
    Unchanged,
    /// Another commit, of the same checkpoint.
    Commit,
    /// Another commit, of a checkpoint that had to be opened.
    Checkpoint,
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
            model: Some(Arc::new(model)),
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
            model: Some(model),
            notes: Vec::new(),
        })
    }

    /// Searches an index by words alone, without a checkpoint.
    ///
    /// # Errors
    /// The index has no words.
    pub fn by_words(index: Index) -> Result<TextSearcher> {
        if index.analyzer()?.is_none() {
            return Err(colidx_core::Error::NoWords {
                path: index.path().to_owned(),
            }
            .into());
        }
        Ok(TextSearcher {
            index,
            model: None,
            options: SearcherOptions::default(),
            notes: Vec::new(),
        })
    }

    /// The index, at the commit that is searched.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The checkpoint.
    ///
    /// # Errors
    /// There is none: the searcher searches by words alone.
    pub fn model(&self) -> Result<&Arc<Model>> {
        self.model.as_ref().ok_or(TextError::WordsAlone)
    }

    /// Settings for queries that differ from those that the index records, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Moves on to the newest commit. Where the index was rebuilt with another checkpoint and
    /// records it, that checkpoint is opened, unless the options named one.
    ///
    /// # Errors
    /// As [`TextSearcher::open_with`]; the searcher then stays at its commit.
    pub fn reload(&mut self, download: &mut dyn Download) -> Result<Reload> {
        let Some(index) = self.index.reload()? else {
            return Ok(Reload::Unchanged);
        };
        let Some(model) = &self.model else {
            self.index = index;
            return Ok(Reload::Commit);
        };
        if index.model().is_none() && self.options.model.is_none() {
            return Err(TextError::NoModelRecorded {
                index: index.path().to_owned(),
            });
        }
        let found = match model.check(&index) {
            Ok(()) => Reload::Commit,
            Err(TextError::WrongModel { .. } | TextError::WrongDimension { .. })
                if self.options.model.is_none() =>
            {
                let opened = Model::of_index(&index, None, &self.options.encoder, download)?;
                self.model = Some(Arc::new(opened.model));
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
        self.answer_by(query, SearchBy::Vectors, options)
    }

    /// As [`TextSearcher::answer`], by vectors, words or both.
    ///
    /// # Errors
    /// As [`TextSearcher::search`], and the index has no words.
    pub fn answer_by(&self, query: &str, by: SearchBy, options: &SearchOptions) -> Result<Answer> {
        let began = Instant::now();
        let encoded = match by {
            SearchBy::Words => None,
            SearchBy::Vectors | SearchBy::Both(_) => Some(self.encode(&meant(query, by))?),
        };
        let encode_time = began.elapsed();
        let answer = self.answer_encoded(query, encoded, by, options)?;
        Ok(Answer {
            encode_time,
            ..answer
        })
    }

    /// As [`TextSearcher::answer_by`], for a query that is encoded already, such as in a batch. By
    /// words alone, `encoded` is left out.
    ///
    /// # Errors
    /// As [`TextSearcher::answer_by`].
    pub fn answer_encoded(
        &self,
        query: &str,
        encoded: Option<EncodedQuery>,
        by: SearchBy,
        options: &SearchOptions,
    ) -> Result<Answer> {
        let words = match by {
            SearchBy::Vectors => None,
            SearchBy::Words | SearchBy::Both(_) => Some(WordQuery::parse(query)),
        };
        let vectors = encoded.as_ref().map(|encoded| self.vectors(encoded));
        let results = match (vectors.transpose()?, &words, by) {
            (Some(vectors), Some(words), SearchBy::Both(fusion)) => {
                self.index.search_hybrid(&vectors, words, fusion, options)?
            }
            (_, Some(words), SearchBy::Words) if !query.trim().is_empty() => {
                self.index.search_words(words, options)?
            }
            (Some(vectors), _, SearchBy::Vectors) => self.index.search(&vectors, options)?,
            _ => return Err(TextError::EmptyQuery),
        };
        Ok(Answer {
            text: query.to_owned(),
            encoded,
            words,
            results,
            encode_time: Duration::ZERO,
        })
    }

    /// As [`TextSearcher::answer_by`], for many queries: encoded in one batch, then searched each
    /// on one thread of the current rayon pool. The answers are in the order of the queries.
    ///
    /// # Errors
    /// As [`TextSearcher::answer_by`], for the first query that has one.
    pub fn answer_many(
        &self,
        queries: &[&str],
        by: SearchBy,
        options: &SearchOptions,
    ) -> Result<Vec<Answer>> {
        let began = Instant::now();
        let encoded: Vec<Option<EncodedQuery>> = match by {
            SearchBy::Words => queries.iter().map(|_| None).collect(),
            SearchBy::Vectors | SearchBy::Both(_) => {
                let texts: Vec<String> = queries.iter().map(|query| meant(query, by)).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let encoded = self.model()?.encoder().encode_queries(&texts)?;
                encoded.into_iter().map(Some).collect()
            }
        };
        if encoded.iter().flatten().any(is_empty_query) {
            return Err(TextError::EmptyQuery);
        }
        let encode_time = began.elapsed() / u32::try_from(queries.len().max(1)).unwrap_or(u32::MAX);
        let answers = queries.par_iter().zip(encoded).map(|(query, encoded)| {
            Ok(Answer {
                encode_time,
                ..self.answer_encoded(query, encoded, by, options)?
            })
        });
        answers.collect()
    }

    fn vectors(&self, encoded: &EncodedQuery) -> Result<Query> {
        Ok(Query::new(&encoded.vectors, self.index.dim())?)
    }

    /// Encodes one query.
    ///
    /// # Errors
    /// The query is empty or cannot be encoded, or the searcher searches by words alone.
    pub fn encode(&self, query: &str) -> Result<EncodedQuery> {
        let encoded = self.model()?.encoder().encode_query(query)?;
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
        Ok(TextHit::new(hit, self.index.document(hit.doc)?))
    }

    /// As [`TextSearcher::hit`], with how much each word of the document matters to the query.
    ///
    /// # Errors
    /// As [`TextSearcher::hit`].
    pub fn highlighted_hit(&self, answer: &Answer, at: usize) -> Result<(TextHit, Highlights)> {
        let hit = &answer.results.hits[at];
        let document = self.index.document(hit.doc)?;
        let mut highlights = match &answer.encoded {
            Some(encoded) => self.vector_highlights(encoded, hit.doc, &document)?,
            None => Highlights::default(),
        };
        if let Some(words) = &answer.words {
            highlights.add_words(&self.index.explain_words(words, hit.doc)?);
        }
        Ok((TextHit::new(hit, document), highlights))
    }

    fn vector_highlights(
        &self,
        encoded: &EncodedQuery,
        doc: DocId,
        document: &Document,
    ) -> Result<Highlights> {
        let tokens = self.tokens(document)?;
        let vectors = match tokens.is_empty() {
            true => Vec::new(),
            false => self.index.token_vectors(doc)?,
        };
        let dim = self.index.dim();
        Ok(Highlights::new(encoded, document, &tokens, &vectors, dim))
    }

    /// The words of an answer's query that a document has, where each first stands, and what it
    /// adds to the BM25; empty for a search by vectors alone.
    ///
    /// # Errors
    /// The index is damaged, or the document is of another commit.
    pub fn explain_words(&self, answer: &Answer, doc: DocId) -> Result<Vec<TokenExplanation>> {
        let Some(words) = &answer.words else {
            return Ok(Vec::new());
        };
        let document = self.index.document(doc)?;
        let explained = |found: WordMatch| {
            let place = match (found.title.first(), found.text.first()) {
                (Some(bytes), _) => Some((Part::Title, &document.title, bytes.clone())),
                (None, Some(bytes)) => Some((Part::Text, &document.text, bytes.clone())),
                (None, None) => None,
            };
            TokenExplanation {
                query_token: found.term,
                document_token: place
                    .as_ref()
                    .and_then(|(_, text, bytes)| text.get(bytes.clone()))
                    .unwrap_or_default()
                    .to_owned(),
                place: place.map(|(part, text, bytes)| Place {
                    part,
                    span: Spans::new(text).span(bytes),
                }),
                score: found.score,
            }
        };
        let found = self.index.explain_words(words, doc)?;
        Ok(found.into_iter().map(explained).collect())
    }

    /// What each query token matched in a document, in query order. The scores add up to the
    /// document's.
    ///
    /// # Errors
    /// The index is damaged, or the document is of another commit.
    pub fn explain(&self, query: &EncodedQuery, doc: DocId) -> Result<Vec<TokenExplanation>> {
        let vectors = self.vectors(query)?;
        let tokens = self.located_tokens(doc)?;
        let explained = |found: &TokenMatch| {
            let query_token = query.tokens.get(found.query_token);
            let token = tokens.get(found.document_token);
            TokenExplanation {
                query_token: query_token
                    .map(|token| token.text.clone())
                    .unwrap_or_default(),
                document_token: token.map(|token| token.text.clone()).unwrap_or_default(),
                place: token.and_then(|token| token.place.clone()),
                score: found.score,
            }
        };
        let matches = self.index.explain(&vectors, doc)?;
        Ok(matches.iter().map(explained).collect())
    }

    /// All similarities of the tokens of a query and of a document.
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
        let mut title_spans = Spans::new(&document.title);
        let mut text_spans = Spans::new(&document.text);
        let located = |token: &TokenSpan| {
            let Some((part, bytes)) = text.locate(token.start..token.end) else {
                return DocumentToken {
                    text: String::new(),
                    place: None,
                };
            };
            let (whole, spans) = match part {
                Part::Title => (&document.title, &mut title_spans),
                Part::Text => (&document.text, &mut text_spans),
            };
            DocumentToken {
                text: whole.get(bytes.clone()).unwrap_or_default().to_owned(),
                place: Some(Place {
                    part,
                    span: spans.span(bytes),
                }),
            }
        };
        Ok(self.tokens(&document)?.iter().map(located).collect())
    }

    /// The tokens that have a vector; none where no text is stored.
    fn tokens(&self, document: &Document) -> Result<Vec<TokenSpan>> {
        let text = DocumentText::new(&document.title, &document.text);
        match text.as_str() {
            "" => Ok(Vec::new()),
            text => Ok(self.model()?.encoder().document_tokens(text)?),
        }
    }
}

/// The part of a query that is encoded: in a hybrid search signs and quotes are for the words.
fn meant(query: &str, by: SearchBy) -> String {
    match by {
        SearchBy::Both(_) => WordQuery::parse(query).without_syntax(),
        SearchBy::Vectors | SearchBy::Words => query.to_owned(),
    }
}
