//! Named tensors from safetensors files and from files of `torch.save`.

mod pickle;
mod safetensors;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::EncoderError;
use crate::files;
use crate::layout::{WEIGHTS, read_shards};
use pickle::Pickle;
use safetensors::Safetensors;

/// The tensors of a model, in one or several files.
pub(crate) struct Weights {
    shards: Arc<Vec<Shard>>,
    /// Prepended to every name that is asked for.
    prefix: &'static str,
}

enum Shard {
    Safetensors(Safetensors),
    Pickle(Pickle),
}

/// Shape and element type of a tensor.
struct TensorMeta {
    shape: Vec<usize>,
    /// The element type.
    element: String,
}

impl Weights {
    /// Names, relative to `folder`, of the files with its weights.
    pub(crate) fn files(folder: &Path) -> Result<Vec<String>, EncoderError> {
        for [single, index] in WEIGHTS {
            if files::exists(&folder.join(single)) {
                return Ok(vec![single.to_owned()]);
            }
            let index = folder.join(index);
            if files::exists(&index) {
                let names = read_shards(&index)?;
                if let Some(name) = names.iter().find(|name| !files::is_inside(name)) {
                    return Err(damaged(&index, format!("`{name}` is no file beside it")));
                }
                return Ok(names.into_iter().collect());
            }
        }
        Err(EncoderError::NoWeights {
            path: folder.to_owned(),
            expected: "model.safetensors, pytorch_model.bin, or the index of their shards",
        })
    }

    /// Opens the weights in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Weights, EncoderError> {
        let shards = Weights::files(folder)?
            .into_iter()
            .map(|name| Shard::open(folder.join(name)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Weights {
            shards: Arc::new(shards),
            prefix: "",
        })
    }

    /// Opens one file of weights.
    pub(crate) fn open_file(path: PathBuf) -> Result<Weights, EncoderError> {
        Ok(Weights {
            shards: Arc::new(vec![Shard::open(path)?]),
            prefix: "",
        })
    }

    /// The same tensors, with the first of `prefixes` for which `name` exists before every name.
    pub(crate) fn with_prefix_of(&self, name: &str, prefixes: &[&'static str]) -> Weights {
        let found = prefixes
            .iter()
            .find(|prefix| self.find(&format!("{prefix}{name}")).is_some());
        Weights {
            shards: Arc::clone(&self.shards),
            prefix: found.copied().unwrap_or(""),
        }
    }

    /// Whether there is a tensor `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(&format!("{}{name}", self.prefix)).is_some()
    }

    /// The shape of tensor `name`.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let (_, found) = self.find(&format!("{}{name}", self.prefix))?;
        Some(found.shape)
    }

    /// The number of floats in all tensors.
    pub(crate) fn parameters(&self) -> u64 {
        let tensors = self.shards.iter().flat_map(Shard::all);
        tensors
            .filter(TensorMeta::holds_floats)
            .map(|tensor| tensor.elements())
            .fold(0, u64::saturating_add)
    }

    /// The float types of the tensors, such as `F32` or `BF16, F32`.
    pub(crate) fn element_type(&self) -> String {
        let tensors = self.shards.iter().flat_map(Shard::all);
        let types: BTreeSet<String> = tensors
            .filter(TensorMeta::holds_floats)
            .map(|tensor| tensor.element)
            .collect();
        types.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The elements of tensor `name`, row-major.
    ///
    /// # Errors
    /// If it is missing, its shape is not `shape`, or it holds anything but finite floats.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let mut values = Vec::new();
        self.append(name, shape, &mut values)?;
        Ok(values)
    }

    /// As [`tensor`](Self::tensor), appended to `out`.
    pub(crate) fn append(
        &self,
        name: &str,
        shape: &[usize],
        out: &mut Vec<f32>,
    ) -> Result<(), EncoderError> {
        let tensor = format!("{}{name}", self.prefix);
        let Some((shard, found)) = self.find(&tensor) else {
            return Err(EncoderError::MissingTensor {
                path: (self.shards.first())
                    .map(|shard| shard.path().to_owned())
                    .unwrap_or_default(),
                tensor,
                shape: shape.to_vec(),
            });
        };
        let path = || shard.path().to_owned();
        if found.shape != shape {
            return Err(EncoderError::TensorShape {
                path: path(),
                tensor,
                expected: shape.to_vec(),
                found: found.shape,
            });
        }
        if !found.holds_floats() {
            return Err(EncoderError::TensorType {
                path: path(),
                tensor,
                found: found.element,
            });
        }
        let start = out.len();
        shard.append(&tensor, out)?;
        let values = &out[start..];
        // The fold vectorizes; the search for the position does not.
        if !values.iter().fold(true, |finite, v| finite & v.is_finite())
            && let Some(index) = values.iter().position(|v| !v.is_finite())
        {
            let value = values[index];
            return Err(EncoderError::TensorNotFinite {
                path: path(),
                tensor,
                index,
                value,
            });
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<(&Shard, TensorMeta)> {
        self.shards
            .iter()
            .find_map(|shard| Some((shard, shard.find(name)?)))
    }
}

impl TensorMeta {
    fn elements(&self) -> u64 {
        let lengths = self.shape.iter().map(|&n| n as u64);
        lengths.fold(1, u64::saturating_mul)
    }

    fn holds_floats(&self) -> bool {
        matches!(self.element.as_str(), "F32" | "F16" | "BF16")
    }
}

impl Shard {
    fn open(path: PathBuf) -> Result<Shard, EncoderError> {
        let by_torch = |extension: &OsStr| extension == "bin" || extension == "pt";
        if path.extension().is_some_and(by_torch) {
            Ok(Shard::Pickle(Pickle::open(path)?))
        } else {
            Ok(Shard::Safetensors(Safetensors::open(path)?))
        }
    }

    fn path(&self) -> &Path {
        match self {
            Shard::Safetensors(file) => file.path(),
            Shard::Pickle(file) => file.path(),
        }
    }

    fn find(&self, name: &str) -> Option<TensorMeta> {
        match self {
            Shard::Safetensors(file) => file.find(name),
            Shard::Pickle(file) => file.find(name),
        }
    }

    fn all(&self) -> Vec<TensorMeta> {
        match self {
            Shard::Safetensors(file) => file.all().collect(),
            Shard::Pickle(file) => file.all().collect(),
        }
    }

    fn append(&self, name: &str, out: &mut Vec<f32>) -> Result<(), EncoderError> {
        match self {
            Shard::Safetensors(file) => file.append(name, out),
            Shard::Pickle(file) => file.append(name, out),
        }
    }
}

fn damaged(path: &Path, problem: String) -> EncoderError {
    EncoderError::WeightsFile {
        path: path.to_owned(),
        problem,
    }
}
