//! What `config.json` says about a transformer, checked.

mod bert;
mod modernbert;

use std::path::Path;

use serde::Deserialize;

use crate::EncoderError;
use crate::files::read_json;
use crate::ops::{ACTIVATIONS, Activation, parse_activation};
pub(super) use bert::{Bert, Form, Positions};
pub(super) use modernbert::ModernBert;

/// Several times the layers of the largest models.
const MAX_LAYERS: usize = 1024;

/// A transformer that can be run.
pub(super) enum Config {
    Bert(Bert),
    ModernBert(ModernBert),
}

#[derive(Deserialize)]
struct Architecture {
    #[serde(default)]
    model_type: String,
}

impl Config {
    /// Reads the file at `path`; gives its `model_type` too.
    pub(super) fn read(path: &Path) -> Result<(String, Config), EncoderError> {
        let Architecture { model_type } = read_json(path)?;
        let config = match model_type.as_str() {
            "modernbert" => Config::ModernBert(ModernBert::read(path)?),
            "bert" | "roberta" | "xlm-roberta" | "camembert" | "distilbert" => {
                Config::Bert(Bert::read(path, &model_type)?)
            }
            _ => {
                return Err(EncoderError::UnknownArchitecture {
                    path: path.to_owned(),
                    found: model_type,
                    known: "bert, roberta, xlm-roberta, camembert, distilbert, modernbert",
                });
            }
        };
        Ok((model_type, config))
    }

    /// The most tokens that a sequence can have; none where places have no end.
    pub(super) fn limit(&self) -> Option<usize> {
        match self {
            Config::Bert(config) if config.is_rotary() => None,
            Config::Bert(config) => Some(config.sequence_length()),
            Config::ModernBert(_) => None,
        }
    }

    /// Tokens of the longest sequence that the model was configured for.
    pub(super) fn positions(&self) -> usize {
        match self {
            Config::Bert(config) => config.sequence_length(),
            Config::ModernBert(config) => config.positions,
        }
    }
}

/// A `config.json` with errors that name it.
struct File<'a>(&'a Path);

impl File<'_> {
    fn problem(&self, problem: String) -> EncoderError {
        EncoderError::Config {
            path: self.0.to_owned(),
            problem,
        }
    }

    fn unsupported(&self, feature: String, known: &'static str) -> EncoderError {
        EncoderError::Unsupported {
            path: self.0.to_owned(),
            feature,
            known,
        }
    }

    fn at_least_one(&self, fields: &[(&str, usize)]) -> Result<(), EncoderError> {
        match fields.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(self.problem(format!("{name} is 0 and should be at least 1"))),
            None => Ok(()),
        }
    }

    /// More layers than any model has would be looked for one by one, or take memory before they are missed.
    fn layers(&self, field: &str, count: usize) -> Result<usize, EncoderError> {
        if count <= MAX_LAYERS {
            return Ok(count);
        }
        Err(self.problem(format!(
            "{field} is {count} and should be at most {MAX_LAYERS}"
        )))
    }

    /// Dimensions of a head.
    fn width(
        &self,
        (hidden, size): (&str, usize),
        (heads, count): (&str, usize),
    ) -> Result<usize, EncoderError> {
        if !size.is_multiple_of(count) {
            return Err(self.problem(format!(
                "{hidden} {size} should be a multiple of {heads} {count}"
            )));
        }
        Ok(size / count)
    }

    fn activation(&self, field: &str, name: &str) -> Result<Activation, EncoderError> {
        parse_activation(name)
            .ok_or_else(|| self.unsupported(format!("{field} `{name}`"), ACTIVATIONS))
    }

    /// Frequencies fall with `base`, which must leave them numbers; pairs of dimensions are rotated.
    fn rotary(&self, field: &str, base: f64, width: usize) -> Result<f64, EncoderError> {
        if !(base.is_finite() && base > 0.0) {
            return Err(self.problem(format!("{field} is {base} and should be above 0")));
        }
        if !width.is_multiple_of(2) {
            return Err(self.problem(format!(
                "attention heads have {width} dimensions, and rotary embeddings need an even number"
            )));
        }
        Ok(base)
    }
}

/// The activation of configurations that name none.
fn gelu() -> String {
    "gelu".to_owned()
}
