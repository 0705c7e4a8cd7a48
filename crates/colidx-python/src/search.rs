//! What a search goes by, and how.

use colidx::{Fusion, SearchBy, SearchOptions};
use pyo3::prelude::*;

use crate::error::exception;

/// Rank that reciprocal rank fusion adds to every rank.
const RECIPROCAL_RANK: f32 = 60.0;

/// The options of a search.
#[derive(Default)]
pub struct Search {
    pub options: SearchOptions,
    by: Option<By>,
    fusion: Option<FusionName>,
    weight: Option<f32>,
}

/// What a search goes by, as an option.
#[derive(Clone, Copy, PartialEq)]
pub enum By {
    Vectors,
    Words,
    Hybrid,
}

/// How a hybrid search makes one score of two, as an option.
#[derive(Clone, Copy, PartialEq)]
pub enum FusionName {
    Convex,
    ReciprocalRank,
    Rerank,
}

impl Search {
    /// Sets one of the crate's options.
    pub fn set<V>(
        mut self,
        setter: impl FnOnce(SearchOptions, V) -> SearchOptions,
        value: V,
    ) -> Search {
        self.options = setter(self.options, value);
        self
    }

    pub fn by(mut self, by: By) -> Search {
        self.by = Some(by);
        self
    }

    pub fn fusion(mut self, fusion: FusionName) -> Search {
        self.fusion = Some(fusion);
        self
    }

    pub fn weight(mut self, weight: f32) -> Search {
        self.weight = Some(weight);
        self
    }

    /// What a search for text goes by.
    pub fn of_text(&self) -> PyResult<SearchBy> {
        let by = match self.by.unwrap_or(By::Vectors) {
            By::Hybrid => return self.both(),
            By::Vectors => SearchBy::Vectors,
            By::Words => SearchBy::Words,
        };
        match (self.fusion, self.weight) {
            (None, None) => Ok(by),
            _ => Err(wrong("fusion and weight: expected by='hybrid' beside them")),
        }
    }

    /// What a search for vectors goes by: these alone, or `words` too.
    pub fn of_vectors(&self, words: bool) -> PyResult<SearchBy> {
        match (self.by, words) {
            (None | Some(By::Hybrid), true) => self.both(),
            (None | Some(By::Vectors), false) => self.of_text(),
            (Some(By::Vectors), true) => Err(wrong("words: expected by='hybrid' beside them")),
            (Some(By::Hybrid), false) => Err(wrong(
                "by='hybrid': expected the words of the query beside its vectors, got none; \
                 pass words=",
            )),
            (Some(By::Words), _) => Err(wrong(
                "by='words': expected a query of text; Index.search takes one",
            )),
        }
    }

    fn both(&self) -> PyResult<SearchBy> {
        let fusion = match (self.fusion.unwrap_or(FusionName::Convex), self.weight) {
            (FusionName::Convex, None) => Fusion::default(),
            (FusionName::Convex, Some(weight)) => Fusion::Convex { weight },
            (_, Some(_)) => return Err(wrong("weight: expected fusion='convex' beside it")),
            (FusionName::ReciprocalRank, None) => Fusion::ReciprocalRank { k: RECIPROCAL_RANK },
            (FusionName::Rerank, None) => Fusion::Rerank,
        };
        Ok(SearchBy::Both(fusion))
    }
}

fn wrong(message: &str) -> PyErr {
    exception("OptionError", message)
}
