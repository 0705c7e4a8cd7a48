//! An open index with the checkpoint that made it: text goes in, hits come out, and can be explained.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use colidx::{DocId, Index, ModelInfo, Query, SearchOptions, SearchResults, TokenMatch};
use colidx_encoder::{EncodedQuery, Encoder, EncoderOptions};

use crate::args::QueryModelArgs;
use crate::document::{DocumentText, Part};
use crate::error::CliError;
use crate::matching::token_weights;
use crate::model::{self, Model};
use crate::output::note;
use crate::render::hit::ShownHit;
use crate::render::text::TokenWeight;

/// An index and an encoder that fits it.
pub struct Session {
    /// The index.
    pub index: Index,
    model: Model,
    path: PathBuf,
    args: QueryModelArgs,
}

/// What [`Session::reload`] found.
pub enum Reloaded {
    /// No other commit.
    Nothing,
    /// Another commit, of the same checkpoint.
    Commit,
    /// Another commit, of a checkpoint that had to be opened.
    Checkpoint,
}

/// A query and what it found.
pub struct Answer {
    /// The query as typed.
    pub text: String,
    /// Its tokens and their vectors.
    pub encoded: EncodedQuery,
    /// The same vectors, ready to search with.
    pub query: Query,
    /// What was found.
    pub results: SearchResults,
    /// Time to make the vectors.
    pub encode_time: Duration,
}

/// One query token and the word of the document that it matched best.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WordMatch {
    /// The query token as the tokenizer writes it.
    pub query_token: String,
    /// The document token's own text; empty for markers.
    pub document_token: String,
    /// Where it begins: byte offset in the title or in the text, if it stands in one of them.
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

impl Session {
    /// Opens the index at `path` and the checkpoint that `args` name, or the one that the index names.
    ///
    /// # Errors
    /// Neither names a checkpoint, or the checkpoint is not the one that made the index.
    pub fn open(path: &Path, args: &QueryModelArgs) -> Result<Session, CliError> {
        let index = Index::open(path)?;
        let model = open_model(&index, path, args)?;
        Ok(Session {
            index,
            model,
            path: path.to_owned(),
            args: args.clone(),
        })
    }

    /// Moves on to the newest commit. One of another checkpoint takes that checkpoint with it, where the index is the one to
    /// name it.
    ///
    /// # Errors
    /// As [`Session::open`]; the session then stays with what it has.
    pub fn reload(&mut self) -> Result<Reloaded, CliError> {
        let Some(index) = self.index.reload()? else {
            return Ok(Reloaded::Nothing);
        };
        let reloaded = match check(&index, &self.path, &self.args, &self.model) {
            Ok(()) => Reloaded::Commit,
            Err(CliError::WrongModel { .. }) if self.args.model.is_none() => {
                self.model = open_model(&index, &self.path, &self.args)?;
                Reloaded::Checkpoint
            }
            Err(error) => return Err(error),
        };
        self.index = index;
        Ok(reloaded)
    }

    /// What the checkpoint is called.
    pub fn model_name(&self) -> &str {
        &self.model.encoder.info().name
    }

    /// What finds the checkpoint again.
    pub fn model_location(&self) -> &str {
        &self.model.location
    }

    /// Encodes a query and searches for it.
    ///
    /// # Errors
    /// The query cannot be encoded, or the index is damaged.
    pub fn ask(&self, text: &str, options: &SearchOptions) -> Result<Answer, CliError> {
        let began = Instant::now();
        let encoded = self.model.encoder.encode_query(text)?;
        let encode_time = began.elapsed();
        let query = Query::new(&encoded.vectors, self.model.encoder.info().dim)?;
        let results = self.index.search(&query, options)?;
        Ok(Answer {
            text: text.to_owned(),
            encoded,
            query,
            results,
            encode_time,
        })
    }

    /// A hit of `answer` (`at` counts from 0), with what each token of its document gave to the score, and as much of its text
    /// as a passage can be taken from.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn show(&self, answer: &Answer, at: usize) -> Result<ShownHit, CliError> {
        Ok(self.open_hit(answer, at)?.excerpt())
    }

    /// The same with all of its text.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn open_hit(&self, answer: &Answer, at: usize) -> Result<ShownHit, CliError> {
        let hit = &answer.results.hits[at];
        let document = self.index.document(hit.doc)?;
        let text = DocumentText::new(&document.title, &document.text);
        let mut title_weights = Vec::new();
        let mut text_weights = Vec::new();
        if !text.as_str().is_empty() {
            let tokens = self.model.encoder.document_tokens(text.as_str())?;
            // Zipped, so that an index of other texts than these lights the wrong words at worst.
            let vectors = self.index.token_vectors(hit.doc)?;
            let weights = token_weights(&answer.encoded, &vectors, self.index.dim());
            for (token, weight) in tokens.iter().zip(weights) {
                match text.locate(token.start..token.end) {
                    Some(Part::Title(span)) => title_weights.push(TokenWeight { span, weight }),
                    Some(Part::Text(span)) => text_weights.push(TokenWeight { span, weight }),
                    None => {}
                }
            }
        }
        Ok(ShownHit {
            rank: at + 1,
            score: hit.score,
            key: document.key,
            title: document.title,
            text: document.text,
            title_weights,
            text_weights,
        })
    }

    /// What each query token matched in a document, in query order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn explain(
        &self,
        query: &EncodedQuery,
        document: DocId,
    ) -> Result<Vec<WordMatch>, CliError> {
        let vectors = Query::new(&query.vectors, self.model.encoder.info().dim)?;
        let stored = self.index.document(document)?;
        let text = DocumentText::new(&stored.title, &stored.text);
        let tokens = self.model.encoder.document_tokens(text.as_str())?;
        let matched = |found: &TokenMatch| {
            let part = tokens
                .get(found.document_token)
                .and_then(|token| text.locate(token.start..token.end));
            let (word, place) = match part {
                Some(Part::Title(span)) => (
                    stored.title.get(span.clone()),
                    Some(Place::Title(span.start)),
                ),
                Some(Part::Text(span)) => {
                    (stored.text.get(span.clone()), Some(Place::Text(span.start)))
                }
                None => (None, None),
            };
            WordMatch {
                query_token: query
                    .tokens
                    .get(found.query_token)
                    .map(|token| token.text.clone())
                    .unwrap_or_default(),
                document_token: word.unwrap_or_default().to_owned(),
                place,
                score: found.score,
            }
        };
        Ok(self
            .index
            .explain(&vectors, document)?
            .iter()
            .map(matched)
            .collect())
    }

    /// Encodes one query.
    ///
    /// # Errors
    /// The query cannot be encoded.
    pub fn encode_one(&self, text: &str) -> Result<EncodedQuery, CliError> {
        Ok(self.model.encoder.encode_query(text)?)
    }
}

/// The checkpoint for the queries of an index: the one that `args` name, or the one that the index names.
///
/// # Errors
/// Neither names a checkpoint, or the checkpoint is not the one that made the index.
pub fn open_encoder(
    index: &Index,
    path: &Path,
    args: &QueryModelArgs,
) -> Result<Encoder, CliError> {
    Ok(open_model(index, path, args)?.encoder)
}

fn open_model(index: &Index, path: &Path, args: &QueryModelArgs) -> Result<Model, CliError> {
    let recorded = index.model();
    let mut options = args.encoder.options();
    if let Some(recorded) = recorded {
        as_recorded(&mut options, recorded, path)?;
    }
    let model = match (&args.model, recorded) {
        (Some(model), _) => model::open(model, &options)?,
        (None, Some(recorded)) => {
            model::open(&recorded.location, &options).map_err(|error| match error {
                CliError::NoModel { path: place, .. } => CliError::NoModel {
                    path: place,
                    reason: format!("{} was made with the checkpoint {} from there; pass --model with where it is now", path.display(), recorded.name),
                },
                other => other,
            })?
        }
        (None, None) => return Err(no_model(path)),
    };
    check(index, path, args, &model)?;
    Ok(model)
}

fn no_model(path: &Path) -> CliError {
    CliError::NoModelRecorded {
        index: path.to_owned(),
    }
}

/// Whether an index can be searched with the vectors of a checkpoint. Whoever brings the two together asks this.
fn check(index: &Index, path: &Path, args: &QueryModelArgs, model: &Model) -> Result<(), CliError> {
    let info = model.encoder.info();
    match index.model() {
        None if args.model.is_none() => Err(no_model(path)),
        Some(recorded) if recorded.fingerprint != info.fingerprint => Err(CliError::WrongModel {
            model: model.directory.clone(),
            index: path.to_owned(),
            expected: recorded.fingerprint.clone(),
            got: info.fingerprint.clone(),
        }),
        _ if index.dim() != info.dim => Err(CliError::WrongDimension {
            model: model.directory.clone(),
            index: path.to_owned(),
            expected: index.dim(),
            got: info.dim,
        }),
        _ => Ok(()),
    }
}

/// Texts become vectors as they did for the index `path`, which remembers it in `recorded`. Queries may be made otherwise,
/// and that is told.
///
/// # Errors
/// Documents would be made otherwise.
fn as_recorded(
    options: &mut EncoderOptions,
    recorded: &ModelInfo,
    path: &Path,
) -> Result<(), CliError> {
    let prompts = (
        recorded.document_prompt.clone(),
        recorded.query_prompt.clone(),
    );
    let document = (
        differs(&mut options.document_prompt, prompts.0),
        differs(&mut options.document_length, recorded.document_length),
    );
    let other = |what: &str, asked: String, kept: String| {
        let index = path.display();
        format!("{what} {asked} is not that of {index}, {kept}")
    };
    let refused = match document {
        (Some((asked, kept)), _) => Some(other(
            "the document prompt",
            format!("{asked:?}"),
            format!("{kept:?}"),
        )),
        (_, Some((asked, kept))) => Some(other(
            "the document length",
            asked.to_string(),
            kept.to_string(),
        )),
        (None, None) => None,
    };
    if let Some(refused) = refused {
        let advice =
            "its documents would be of two kinds; leave the option out, or build the index anew";
        return Err(CliError::Usage(format!("{refused}: {advice}")));
    }
    if let Some((asked, kept)) = differs(&mut options.query_prompt, prompts.1) {
        note(&other(
            "the query prompt",
            format!("{asked:?}"),
            format!("{kept:?}"),
        ));
    }
    if let Some((asked, kept)) = differs(&mut options.query_length, recorded.query_length) {
        note(&other(
            "the query length",
            asked.to_string(),
            kept.to_string(),
        ));
    }
    Ok(())
}

/// Sets `option` to what was `kept`, unless something else is asked for: then both are given back.
fn differs<T: PartialEq + Clone>(option: &mut Option<T>, kept: T) -> Option<(T, T)> {
    match option {
        Some(asked) if *asked != kept => Some((asked.clone(), kept)),
        _ => {
            *option = Some(kept);
            None
        }
    }
}
