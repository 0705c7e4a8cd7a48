//! Batches of queries, from a text file or from a file of vectors.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use colidx::text::is_empty_query;
use colidx::{Fusion, Index, Model, Query, SearchBy, SearchOptions, SearchResults, WordQuery};

use crate::args::{QueryFileArgs, QueryModelArgs};
use crate::error::CliError;
use crate::model;
use crate::output::{Protected, note};
use crate::render::number;
use colidx_data::embeddings::QueryEmbeddings;
use colidx_data::{InputError, file_name, read_queries};
use colidx_encoder::EncodedQuery;

/// Queries that are encoded and searched at a time.
pub const CHUNK: usize = 64;

/// Queries that are named in a message.
const NAMED: usize = 5;

/// Keyed queries and the source of their vectors.
pub struct Queries {
    keys: Vec<String>,
    /// Position of each query in `vectors`.
    places: Vec<usize>,
    by: SearchBy,
    /// By place; none where only vectors were given.
    texts: Vec<String>,
    vectors: Vectors,
    /// Positions of the queries that were found to be empty.
    empty: BTreeSet<usize>,
}

enum Vectors {
    /// Of texts, by a checkpoint; `None` where words alone are searched.
    Text(Option<Box<Model>>),
    File {
        embeddings: Box<QueryEmbeddings>,
        buffer: Vec<f32>,
    },
}

/// A query, ready to be searched for.
pub enum GivenQuery {
    /// By its vectors.
    Vectors(Query),
    /// By its words.
    Words(WordQuery),
    /// By both.
    Both(Query, WordQuery, Fusion),
}

impl GivenQuery {
    /// Searches for it.
    ///
    /// # Errors
    /// As the index's.
    pub fn search(&self, index: &Index, options: &SearchOptions) -> colidx::Result<SearchResults> {
        match self {
            GivenQuery::Vectors(query) => index.search(query, options),
            GivenQuery::Words(words) => index.search_words(words, options),
            GivenQuery::Both(query, words, fusion) => {
                index.search_hybrid(query, words, *fusion, options)
            }
        }
    }

    /// Its vectors, where it has some.
    pub fn into_vectors(self) -> Option<Query> {
        match self {
            GivenQuery::Vectors(query) | GivenQuery::Both(query, ..) => Some(query),
            GivenQuery::Words(_) => None,
        }
    }
}

/// Where queries come from, according to the flags that several commands share.
pub struct QuerySource<'a> {
    /// The files.
    pub files: &'a QueryFileArgs,
    /// The checkpoint for text.
    pub model: &'a QueryModelArgs,
}

impl QuerySource<'_> {
    /// Guards the index at `path`, the checkpoint and the query files against being overwritten.
    pub fn guard(&self, index: &Index, path: &Path, force: bool) -> Protected {
        let recorded = index.model().map(|model| &model.location);
        let models = [self.model.model.as_ref(), recorded];
        let files = [&self.files.queries, &self.files.query_embeddings];
        Protected::new(colidx::MAGIC)
            .allow_replacing(force)
            .index(path)
            .inputs(files.into_iter().flatten())
            .inputs(models.into_iter().flatten())
    }
}

/// Names a few keys of empty queries, and counts them all.
pub fn tell_empty<'a>(keys: impl ExactSizeIterator<Item = &'a str>) {
    tell(
        "empty",
        "without anything to search for, which find nothing",
        keys,
    );
}

/// Names a few keys of queries that found nothing, and counts them all.
pub fn tell_without_hits<'a>(keys: impl ExactSizeIterator<Item = &'a str>) {
    tell("no hits", "that no document matches", keys);
}

fn tell<'a>(what: &str, why: &str, keys: impl ExactSizeIterator<Item = &'a str>) {
    let count = keys.len();
    if count == 0 {
        return;
    }
    let named: Vec<String> = keys.take(NAMED).map(|key| format!("`{key}`")).collect();
    let more = if count > NAMED { ", ..." } else { "" };
    note(&format!(
        "{what}: {} {why}: {}{more}",
        number::counted(count as u64, "query"),
        named.join(", ")
    ));
}

/// Names fields or columns of a file that nothing is made of.
pub fn tell_unused<'a>(file: &str, noun: &str, names: impl ExactSizeIterator<Item = &'a str>) {
    let count = names.len() as u64;
    if count > 0 {
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let count = number::counted(count, noun);
        note(&format!(
            "not used: {count} of the {file}: {}",
            names.join(", ")
        ));
    }
}

impl Queries {
    /// Reads the queries, and opens the checkpoint if they need one.
    ///
    /// # Errors
    /// A file is bad or has no queries, or there is no checkpoint that fits the index.
    pub fn open(index: &Index, from: &QuerySource<'_>, by: SearchBy) -> Result<Queries, CliError> {
        from.files.require()?;
        if by != SearchBy::Vectors && from.files.queries.is_none() {
            let text = "--queries with their text is required to search by words";
            return Err(CliError::Usage(text.to_owned()));
        }
        let texts = match &from.files.queries {
            Some(queries) => Some(read_queries(queries, &from.files.options())?),
            None => None,
        };
        if let Some(queries) = &texts {
            let further = queries.further_fields();
            tell_unused("query file", "field", further.iter().copied());
        }
        let embeddings = match &from.files.query_embeddings {
            Some(embeddings) => Some(QueryEmbeddings::open(embeddings)?),
            None => None,
        };
        let count = texts.as_ref().map(|texts| texts.len() as u64);
        let given = match (&embeddings, count) {
            (Some(embeddings), Some(texts)) if embeddings.queries() != texts => {
                return Err(CliError::QueryCount {
                    embeddings: from.files.query_embeddings.clone().unwrap_or_default(),
                    vectors: embeddings.queries(),
                    queries: from.files.queries.clone().unwrap_or_default(),
                    texts: texts as usize,
                });
            }
            (Some(embeddings), _) => embeddings.queries(),
            (None, texts) => texts.unwrap_or_default(),
        };
        if given == 0 {
            let files = [&from.files.queries, &from.files.query_embeddings];
            let file = files.into_iter().flatten().next();
            let file = file.map(|file| file_name(file).to_string());
            return Err(InputError::NoQueries {
                file: file.unwrap_or_default(),
            }
            .into());
        }
        let named = match &embeddings {
            Some(embeddings) => embeddings.keys()?.map(Iterator::collect).transpose()?,
            None => None,
        };
        let mut places: Vec<usize> = (0..given as usize).collect();
        let (keys, texts): (Vec<String>, Vec<String>) = match (texts, named) {
            (Some(queries), named) => {
                let (keys, texts): (Vec<_>, Vec<_>) = (queries.into_iter())
                    .map(|query| (query.key, query.text))
                    .unzip();
                if let Some(named) = named {
                    places = in_order(&keys, named, from.files)?;
                }
                (keys, texts)
            }
            (None, Some(named)) => (named, Vec::new()),
            (None, None) => ((0..given).map(|row| row.to_string()).collect(), Vec::new()),
        };
        let vectors = match embeddings {
            Some(embeddings) => Vectors::File {
                embeddings: Box::new(embeddings),
                buffer: Vec::new(),
            },
            None if by == SearchBy::Words => Vectors::Text(None),
            None => {
                let model = model::of_index(index, from.model);
                let model = model.map_err(|error| error.or_vectors("--query-embeddings"))?;
                Vectors::Text(Some(Box::new(model)))
            }
        };
        Ok(Queries {
            texts: in_places(texts, &places),
            places,
            keys,
            by,
            vectors,
            empty: BTreeSet::new(),
        })
    }

    /// Removes the queries whose keys are not `wanted` and returns their number.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) -> usize {
        let before = self.keys.len();
        let kept = std::mem::take(&mut self.keys)
            .into_iter()
            .zip(std::mem::take(&mut self.places));
        (self.keys, self.places) = kept.filter(|(key, _)| wanted(key)).unzip();
        before - self.keys.len()
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Whether the queries are text, so that encoding time is worth reporting.
    pub fn are_text(&self) -> bool {
        matches!(self.vectors, Vectors::Text(Some(_)))
    }

    /// The queries `at`, by position; `None` for an empty one.
    ///
    /// # Errors
    /// A query cannot be encoded or read.
    pub fn get(&mut self, at: Range<usize>) -> Result<Vec<Option<GivenQuery>>, CliError> {
        let first = at.start;
        let places = &self.places[at];
        let texts = &self.texts;
        let words = |place: usize| {
            let text = texts.get(place).map(|text| text.trim());
            text.filter(|text| !text.is_empty()).map(WordQuery::words)
        };
        let queries: Vec<Option<GivenQuery>> = match &mut self.vectors {
            Vectors::Text(None) => {
                let words = places.iter().map(|&place| words(place));
                words.map(|words| words.map(GivenQuery::Words)).collect()
            }
            vectors => {
                let found = vectors.get(texts, places)?.into_iter().zip(places);
                let given = |(query, &place): (Option<Query>, &usize)| match self.by {
                    SearchBy::Both(fusion) => Some(GivenQuery::Both(query?, words(place)?, fusion)),
                    _ => query.map(GivenQuery::Vectors),
                };
                found.map(given).collect()
            }
        };
        let empty = (first..).zip(&queries).filter(|(_, query)| query.is_none());
        self.empty.extend(empty.map(|(at, _)| at));
        Ok(queries)
    }

    /// The vectors of all queries, encoded one at a time as in interactive use, with the time of
    /// each. `None` for an empty query.
    ///
    /// # Errors
    /// As [`Queries::get`].
    pub fn get_each(
        &mut self,
        mut done: impl FnMut(usize),
    ) -> Result<Vec<Option<(Query, Duration)>>, CliError> {
        let mut all = Vec::with_capacity(self.keys.len());
        for at in 0..self.keys.len() {
            let began = Instant::now();
            let query = self.get(at..at + 1)?.pop().flatten();
            let query = query.and_then(GivenQuery::into_vectors);
            all.push(query.map(|query| (query, began.elapsed())));
            done(at + 1);
        }
        Ok(all)
    }

    /// Prints which of the queries that were searched are empty.
    ///
    /// # Errors
    /// All of them are.
    pub fn tell_empty(&self) -> Result<(), CliError> {
        if !self.keys.is_empty() && self.empty.len() == self.keys.len() {
            return Err(CliError::EmptyQueries(self.keys.len()));
        }
        let keys: Vec<&str> = self
            .empty
            .iter()
            .map(|&at| self.keys[at].as_str())
            .collect();
        tell_empty(keys.into_iter());
        Ok(())
    }
}

/// The place of each key among those of the vectors.
fn in_order(
    keys: &[String],
    named: Vec<String>,
    files: &QueryFileArgs,
) -> Result<Vec<usize>, CliError> {
    let named: HashMap<String, usize> = named.into_iter().zip(0..).collect();
    let place = |key: &String| {
        named
            .get(key)
            .copied()
            .ok_or_else(|| CliError::QueryVectors {
                embeddings: files.query_embeddings.clone().unwrap_or_default(),
                key: key.clone(),
            })
    };
    keys.iter().map(place).collect()
}

/// Texts by place, where they are given in another order.
fn in_places(texts: Vec<String>, places: &[usize]) -> Vec<String> {
    let mut by_place = vec![String::new(); texts.len()];
    for (text, &place) in texts.into_iter().zip(places) {
        by_place[place] = text;
    }
    by_place
}

impl Vectors {
    /// The vectors of the queries at `places`; `None` for an empty one.
    fn get(&mut self, texts: &[String], places: &[usize]) -> Result<Vec<Option<Query>>, CliError> {
        match self {
            Vectors::Text(None) => Ok(places.iter().map(|_| None).collect()),
            Vectors::Text(Some(model)) => {
                let encoder = model.encoder();
                let texts: Vec<&str> = places.iter().map(|&at| texts[at].as_str()).collect();
                let dim = encoder.info().dim;
                let query = |encoded: &EncodedQuery| match is_empty_query(encoded) {
                    true => Ok(None),
                    false => Query::new(&encoded.vectors, dim).map(Some),
                };
                let encoded = encoder.encode_queries(&texts)?;
                Ok(encoded.iter().map(query).collect::<Result<_, _>>()?)
            }
            Vectors::File { embeddings, buffer } => {
                let dim = embeddings.dim();
                let mut read = |&place: &usize| -> Result<Option<Query>, CliError> {
                    embeddings.read(place as u64, buffer)?;
                    match buffer.is_empty() {
                        true => Ok(None),
                        false => Ok(Some(Query::new(buffer, dim)?)),
                    }
                };
                places.iter().map(&mut read).collect()
            }
        }
    }
}
