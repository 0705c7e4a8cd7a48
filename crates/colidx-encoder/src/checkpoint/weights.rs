//! Named tensors of safetensors files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::files;
use crate::EncoderError;

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The tensors of a model, in one safetensors file or in several shards.
pub(crate) struct Weights {
    shards: Vec<Shard>,
    /// Put before every name that is asked for.
    prefix: &'static str,
}

struct Shard {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where the tensors' bytes begin, after the header.
    start: usize,
    header: Metadata,
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    /// Names, relative to `folder`, of the files that hold its weights.
    pub(crate) fn files(folder: &Path) -> Result<Vec<String>, EncoderError> {
        if folder.join(SINGLE).is_file() {
            return Ok(vec![SINGLE.to_owned()]);
        }
        let index = folder.join(INDEX);
        if index.is_file() {
            let index: ShardIndex = files::read_json(&index)?;
            let names: BTreeSet<String> = index.weight_map.into_values().collect();
            return Ok(names.into_iter().collect());
        }
        Err(EncoderError::NoWeights {
            path: folder.to_owned(),
            expected: "model.safetensors or model.safetensors.index.json",
        })
    }

    /// Reads the weights of `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Weights, EncoderError> {
        let mut shards = Vec::new();
        for name in Weights::files(folder)? {
            let path = folder.join(name);
            let bytes = files::read(&path)?;
            let damaged = |error: safetensors::SafeTensorError| EncoderError::WeightsFile {
                path: path.clone(),
                problem: error.to_string(),
            };
            // Checks, once, that the header describes exactly the bytes that follow it.
            SafeTensors::deserialize(&bytes).map_err(damaged)?;
            let (length, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
            let start = length + size_of::<u64>();
            shards.push(Shard {
                path,
                bytes,
                start,
                header,
            });
        }
        Ok(Weights { shards, prefix: "" })
    }

    /// Puts the first of `prefixes` before every name that makes `name` exist; none if none does.
    pub(crate) fn with_prefix_of(mut self, name: &str, prefixes: &[&'static str]) -> Weights {
        let found = prefixes
            .iter()
            .find(|prefix| self.find(&format!("{prefix}{name}")).is_some());
        self.prefix = found.copied().unwrap_or("");
        self
    }

    /// Whether there is a tensor `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(&format!("{}{name}", self.prefix)).is_some()
    }

    /// The elements of tensor `name`, row-major, which must have `shape`.
    ///
    /// # Errors
    /// If it is missing, has another shape, does not hold floats, or holds one that is not finite.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let mut values = Vec::new();
        self.append(name, shape, &mut values)?;
        Ok(values)
    }

    /// As [`tensor`](Self::tensor), behind what `out` holds.
    pub(crate) fn append(
        &self,
        name: &str,
        shape: &[usize],
        out: &mut Vec<f32>,
    ) -> Result<(), EncoderError> {
        let tensor = format!("{}{name}", self.prefix);
        let Some((shard, info)) = self.find(&tensor) else {
            return Err(EncoderError::MissingTensor {
                path: self
                    .shards
                    .first()
                    .map(|s| s.path.clone())
                    .unwrap_or_default(),
                tensor,
                shape: shape.to_vec(),
            });
        };
        let path = shard.path.clone();
        if info.shape != shape {
            return Err(EncoderError::TensorShape {
                path,
                tensor,
                expected: shape.to_vec(),
                found: info.shape.clone(),
            });
        }
        let (from, to) = info.data_offsets;
        let bytes = &shard.bytes[shard.start + from..shard.start + to];
        let start = out.len();
        match info.dtype {
            Dtype::F32 => extend(out, bytes, f32::from_le_bytes),
            Dtype::F16 => extend(out, bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => extend(out, bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => {
                return Err(EncoderError::TensorType {
                    path,
                    tensor,
                    found: format!("{other:?}"),
                });
            }
        }
        let values = &out[start..];
        // Checked with a plain fold first: it vectorises, a search for the position does not.
        if !values.iter().fold(true, |finite, v| finite & v.is_finite())
            && let Some(index) = values.iter().position(|v| !v.is_finite())
        {
            let value = values[index];
            return Err(EncoderError::TensorNotFinite {
                path,
                tensor,
                index,
                value,
            });
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<(&Shard, &TensorInfo)> {
        self.shards
            .iter()
            .find_map(|shard| Some((shard, shard.header.info(name)?)))
    }
}

fn extend<const N: usize>(out: &mut Vec<f32>, bytes: &[u8], element: impl Fn([u8; N]) -> f32) {
    let (chunks, _) = bytes.as_chunks::<N>();
    out.extend(chunks.iter().map(|&chunk| element(chunk)));
}
