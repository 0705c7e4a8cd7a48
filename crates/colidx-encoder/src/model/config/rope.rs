//! Rotary position embeddings in a configuration, with the keys of transformers 4 and 5.

use serde_json::{Map, Value};

use super::file::File;
use crate::EncoderError;

/// Frequencies of rotary embeddings.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Rope {
    pub(in crate::model) base: f64,
    /// Divides positions.
    pub(in crate::model) scaling_factor: f64,
}

/// The supported kinds of frequencies.
const KINDS: &str = "default, linear";

impl Rope {
    /// Takes `rope_theta`, and `rope_parameters` or `rope_scaling`, for heads of `width`
    /// dimensions. `default` is the default base; if none, the file must set it, because versions
    /// of transformers disagree.
    pub(super) fn take(
        file: &mut File,
        width: usize,
        default: Option<f64>,
    ) -> Result<Rope, EncoderError> {
        let theta = file.optional("rope_theta")?;
        file.only("partial_rotary_factor", 1.0)?;
        let parameters: Option<Map<String, Value>> = file.optional("rope_parameters")?;
        let scaling: Option<Map<String, Value>> = file.optional("rope_scaling")?;
        // The older key wins, as in transformers.
        let (key, parameters) = match (parameters, scaling) {
            (_, Some(scaling)) => ("rope_scaling", scaling),
            (Some(parameters), None) => ("rope_parameters", parameters),
            (None, None) => ("rope_theta", Map::new()),
        };
        Rope::of(file, key, parameters, width, theta.or(default))
    }

    /// Reads the object `parameters`, the value of `key`.
    pub(super) fn of(
        file: &File,
        key: &str,
        mut parameters: Map<String, Value>,
        width: usize,
        default: Option<f64>,
    ) -> Result<Rope, EncoderError> {
        parameters.retain(|_, value| !value.is_null());
        let mut number = |name: &str| match parameters.remove(name) {
            None => Ok(None),
            Some(value) => value
                .as_f64()
                .map(Some)
                .ok_or_else(|| file.problem(format!("{key}.{name} should be a number"))),
        };
        let base = number("rope_theta")?.or(default);
        let factor = number("factor")?;
        let partial = number("partial_rotary_factor")?;
        // The length before scaling; no supported kind uses it.
        number("original_max_position_embeddings")?;
        let mut kind = "default".to_owned();
        for name in ["type", "rope_type"] {
            if let Some(value) = parameters.remove(name) {
                kind = value.as_str().unwrap_or_default().to_owned();
            }
        }
        if let Some(partial) = partial.filter(|&part| part != 1.0) {
            let feature = format!("{key}.partial_rotary_factor {partial}");
            return Err(file.unsupported(feature, "1"));
        }
        if let Some(name) = parameters.keys().next() {
            let feature = format!("{key}.{name} (rope_type `{kind}`)");
            return Err(file.unsupported(feature, "rope_type default or linear"));
        }
        let factor = match (kind.as_str(), factor) {
            ("default", _) => 1.0,
            ("linear", Some(factor)) => factor,
            _ => return Err(file.unsupported(format!("{key}: rope_type `{kind}`"), KINDS)),
        };
        let Some(base) = base else {
            return Err(file.problem(
                "`rope_theta` is missing, and versions of transformers differ in its default"
                    .to_owned(),
            ));
        };
        Rope::checked(file, "rope_theta", base, factor, width)
    }

    /// Checks that frequencies are finite and that dimensions form pairs.
    pub(super) fn checked(
        file: &File,
        key: &str,
        base: f64,
        factor: f64,
        width: usize,
    ) -> Result<Rope, EncoderError> {
        for (key, value) in [(key, base), ("factor", factor)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(file.problem(format!("{key} is {value} and should be above 0")));
            }
        }
        if !width.is_multiple_of(2) {
            return Err(file.problem(format!(
                "attention heads have {width} dimensions, and rotary embeddings need an even number"
            )));
        }
        Ok(Rope {
            base,
            scaling_factor: factor,
        })
    }
}
