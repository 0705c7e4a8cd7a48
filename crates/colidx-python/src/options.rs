//! Options by name: a keyword argument of Python is the field of the crate with the same name.
//!
//! A new option is one line in one of these tables.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use colidx::data::{CorpusOptions, Format};
use colidx::encoder::EncoderOptions;
use colidx::import::ImportOptions;
use colidx::{Analyzer, BuildOptions, CodebookKind, Filter, KMeans, Pooling, SearchOptions};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::exception;
use crate::search::{By, FusionName, Search};

/// A function that sets the options named in a dictionary. `None` leaves an option as it is.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $function:ident($options:ident: $type:ty) {
            $($name:literal: $expected:expr => |$argument:ident| $set:expr,)*
        }
    ) => {
        $(#[$doc])*
        pub fn $function(mut $options: $type, given: &Bound<'_, PyDict>) -> PyResult<$type> {
            for (name, value) in given {
                let name: String = name.extract()?;
                if value.is_none() {
                    continue;
                }
                match name.as_str() {
                    $($name => {
                        let $argument = Argument { name: $name, value, expected: $expected };
                        $options = $set;
                    })*
                    _ => return Err(unknown(&name, &[$($name),*])),
                }
            }
            Ok($options)
        }
    };
}

/// The value of an option as it was given.
struct Argument<'py> {
    name: &'static str,
    value: Bound<'py, PyAny>,
    expected: &'static str,
}

impl<'py> Argument<'py> {
    fn get<T: FromPyObjectOwned<'py>>(&self) -> PyResult<T> {
        self.value.extract().map_err(|_| self.wrong())
    }

    /// A value that has a name.
    fn named<T: FromStr<Err: Display>>(&self) -> PyResult<T> {
        let text: String = self.get()?;
        text.parse()
            .map_err(|error| exception("OptionError", format!("{}: {error}", self.name)))
    }

    fn seconds(&self) -> PyResult<Duration> {
        Duration::try_from_secs_f64(self.get()?).map_err(|_| self.wrong())
    }

    fn deadline(&self) -> PyResult<Instant> {
        let at = Instant::now().checked_add(self.seconds()?);
        at.ok_or_else(|| self.wrong())
    }

    fn wrong(&self) -> PyErr {
        let got = self.value.repr().map(|text| text.to_string());
        let got = got.unwrap_or_else(|_| "?".to_owned());
        let message = format!("{}: expected {}, got {got}", self.name, self.expected);
        exception("OptionError", message)
    }
}

fn unknown(name: &str, known: &[&str]) -> PyErr {
    let known = known.join(", ");
    let message = format!("unknown option `{name}`; the options are {known}");
    exception("ArgumentError", message)
}

table! {
    /// How to search.
    search_options(search: Search) {
        "k": "a whole number" => |a| search.set(SearchOptions::k, a.get()?),
        "by": "'vectors', 'words' or 'hybrid'" => |a| search.by(by(&a)?),
        "weight": "a number from 0 to 1" => |a| search.weight(a.get()?),
        "fusion": "'convex', 'rrf' or 'rerank'" => |a| search.fusion(fusion(&a)?),
        "filter": crate::filter::EXPECTED => |a| search.set(SearchOptions::filter, filter(&a)?),
        "exact": "True or False" => |a| search.set(SearchOptions::exact, a.get()?),
        "recall": "a number above 0 and at most 1" =>
            |a| search.set(SearchOptions::recall, a.get::<f64>()?),
        "n_probe": "a whole number" => |a| search.set(SearchOptions::n_probe, a.get::<usize>()?),
        "candidates": "a whole number" =>
            |a| search.set(SearchOptions::candidates, a.get::<usize>()?),
        "rerank": "a whole number" => |a| search.set(SearchOptions::rerank, a.get::<usize>()?),
        "parallel": "True or False" => |a| search.set(SearchOptions::parallel, a.get()?),
        "timeout": "seconds" => |a| search.set(SearchOptions::deadline, a.deadline()?),
    }
}

table! {
    /// How to create an index.
    build_options(options: BuildOptions) {
        "nbits": "1, 2, 4 or 8" => |a| options.nbits(a.get()?),
        "dim": "a whole number" => |a| options.dim(a.get::<usize>()?),
        "centroids": "a whole number" => |a| options.centroids(a.get::<usize>()?),
        "engine": "'builtin' or 'faiss'" => |a| options.engine(engine(&a)?),
        "shape": "'token-aware' or 'flat'" => |a| options.shape(shape(&a)?),
        "memory": "a number of bytes" => |a| options.memory(a.get()?),
        "seed": "a whole number" => |a| options.seed(a.get()?),
        "force": "True or False" => |a| options.force(a.get()?),
        "resume": "True or False" => |a| options.resume(a.get()?),
        "checkpoint": "seconds" => |a| options.checkpoint(a.seconds()?),
        "analyzer": "the name of an analyzer" => |a| options.analyzer(analyzer(&a)?),
        "pool_factor": "a whole number" => |a| {
            let protected = pooling(&options).protected;
            options.pooling(Pooling::new(a.get()?).protected(protected))
        },
        "protected_tokens": "a whole number" => |a| {
            let given = pooling(&options).protected(a.get()?);
            options.pooling(given)
        },
    }
}

/// How vectors are pooled by the options seen so far, by a factor of 1 if they are not.
fn pooling(options: &BuildOptions) -> Pooling {
    options.pooling.unwrap_or(Pooling::new(1))
}

/// A factor of 1 is none.
pub fn pooled(options: BuildOptions) -> BuildOptions {
    let pooling = options.pooling.filter(|pooling| pooling.factor != 1);
    options.pooling(pooling)
}

table! {
    /// How an encoder computes.
    encoder_options(options: EncoderOptions) {
        "precision": "'f32' or 'int8'" => |a| options.precision(a.named()?),
        "device": "'cpu', 'cuda', 'cuda:N', 'metal' or 'metal:N'" => |a| options.device(a.named()?),
        "query_prompt": "text" => |a| options.query_prompt(a.get::<String>()?),
        "document_prompt": "text" => |a| options.document_prompt(a.get::<String>()?),
        "query_length": "a whole number" => |a| options.query_length(a.get::<usize>()?),
        "document_length": "a whole number" => |a| options.document_length(a.get::<usize>()?),
    }
}

table! {
    /// How a corpus of files is read.
    corpus_options(options: CorpusOptions) {
        "format": "the name of a format" => |a| options.format(a.named::<Format>()?),
        "id_field": "text" => |a| options.id_field(a.get::<String>()?),
        "title_field": "text" => |a| options.title_field(a.get::<String>()?),
        "text_field": "text" => |a| options.text_field(a.get::<String>()?),
        "passage_words": "a whole number" => |a| options.passage_words(a.get()?),
        "overlap": "a whole number" => |a| options.overlap(a.get()?),
        "split_long": "True or False" => |a| options.split_long(a.get()?),
        "hidden": "True or False" => |a| options.hidden(a.get()?),
        "ignore_files": "True or False" => |a| options.ignore_files(a.get()?),
        "skip_bad_lines": "True or False" => |a| options.skip_bad_lines(a.get()?),
    }
}

table! {
    /// What to read of another engine's index.
    import_options(options: ImportOptions) {
        "originals": "True or False" => |a| options.originals(a.get()?),
        "collection": "a path" => |a| options.collection(a.get::<PathBuf>()?),
        "key_column": "text" => |a| options.key_column(a.get::<String>()?),
        "text_column": "text" => |a| options.text_column(a.get::<String>()?),
        "title_column": "text" => |a| options.title_column(a.get::<String>()?),
    }
}

fn filter(argument: &Argument<'_>) -> PyResult<Filter> {
    crate::filter::filter(&argument.value)?.ok_or_else(|| argument.wrong())
}

fn by(argument: &Argument<'_>) -> PyResult<By> {
    let all = [
        ("vectors", By::Vectors),
        ("words", By::Words),
        ("hybrid", By::Hybrid),
    ];
    of_names(argument, &all)
}

fn fusion(argument: &Argument<'_>) -> PyResult<FusionName> {
    let all = [
        ("convex", FusionName::Convex),
        ("rrf", FusionName::ReciprocalRank),
        ("rerank", FusionName::Rerank),
    ];
    of_names(argument, &all)
}

fn of_names<T: Copy>(argument: &Argument<'_>, all: &[(&str, T)]) -> PyResult<T> {
    let name: String = argument.get()?;
    let found = all.iter().find(|(one, _)| *one == name);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| argument.wrong())
}

fn analyzer(argument: &Argument<'_>) -> PyResult<Analyzer> {
    let name: String = argument.get()?;
    Analyzer::by_name(&name).map_err(|error| exception("OptionError", error.to_string()))
}

fn engine(argument: &Argument<'_>) -> PyResult<KMeans> {
    let all = [KMeans::Builtin, KMeans::Faiss];
    let here = all.into_iter().filter(|engine| engine.is_available());
    choice(argument, here)
}

fn shape(argument: &Argument<'_>) -> PyResult<CodebookKind> {
    let all = [CodebookKind::TokenAware, CodebookKind::Flat];
    choice(argument, all.into_iter())
}

fn choice<T: Display>(argument: &Argument<'_>, mut all: impl Iterator<Item = T>) -> PyResult<T> {
    let name: String = argument.get()?;
    all.find(|one| one.to_string() == name)
        .ok_or_else(|| argument.wrong())
}
