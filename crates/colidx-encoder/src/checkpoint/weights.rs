//! Named tensors of safetensors files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;

use super::files;
use crate::EncoderError;

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Bytes that a header may have: what the safetensors library allows.
const MAX_HEADER: u64 = 100_000_000;

/// The tensors of a model, in one safetensors file or in several shards.
pub(crate) struct Weights {
    shards: Vec<Shard>,
    /// Put before every name that is asked for.
    prefix: &'static str,
}

/// A safetensors file: a header that says where each tensor lies, and their bytes, which are read when asked for.
struct Shard {
    path: PathBuf,
    header: Metadata,
    /// Where the tensors' bytes begin, after the header.
    start: u64,
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
        let shards = Weights::files(folder)?
            .into_iter()
            .map(|name| Shard::open(folder.join(name)))
            .collect::<Result<_, _>>()?;
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
        let count = info.shape.iter().product::<usize>();
        let start = out.len();
        match info.dtype {
            Dtype::F32 => {
                out.resize(start + count, 0.0);
                let values = &mut out[start..];
                shard.read(info, bytemuck::cast_slice_mut(values))?;
                for value in values {
                    *value = f32::from_bits(u32::from_le(value.to_bits()));
                }
            }
            Dtype::F16 | Dtype::BF16 => {
                let mut bytes = vec![0; 2 * count];
                shard.read(info, &mut bytes)?;
                let (halves, _) = bytes.as_chunks::<2>();
                if info.dtype == Dtype::F16 {
                    out.extend(halves.iter().map(|&half| f16::from_le_bytes(half).to_f32()));
                } else {
                    out.extend(
                        halves
                            .iter()
                            .map(|&half| bf16::from_le_bytes(half).to_f32()),
                    );
                }
            }
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

impl Shard {
    fn open(path: PathBuf) -> Result<Shard, EncoderError> {
        let io = |source| files::io(&path, source);
        let mut file = File::open(&path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut size = [0; size_of::<u64>()];
        if length < size.len() as u64 {
            return Err(damaged(
                &path,
                format!("{length} bytes are too few for a header"),
            ));
        }
        file.read_exact(&mut size).map_err(io)?;
        let size = u64::from_le_bytes(size);
        if size > length - 8 || size > MAX_HEADER {
            let problem = format!("the header should have {size} bytes, the file has {length}");
            return Err(damaged(&path, problem));
        }
        let mut bytes = vec![0; size as usize];
        file.read_exact(&mut bytes).map_err(io)?;
        // This also checks that the tensors lie one after the other and each is as long as its shape says.
        let header: Metadata = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(&path, format!("its header: {error}")))?;
        let start = 8 + size;
        let expected = start.saturating_add(header.data_len() as u64);
        if expected != length {
            let problem = format!("{expected} bytes expected, {length} found");
            return Err(damaged(&path, problem));
        }
        Ok(Shard {
            path,
            header,
            start,
        })
    }

    fn read(&self, tensor: &TensorInfo, out: &mut [u8]) -> Result<(), EncoderError> {
        let at = self.start + tensor.data_offsets.0 as u64;
        let io = |source| files::io(&self.path, source);
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        file.read_exact(out).map_err(io)
    }
}

fn damaged(path: &Path, problem: String) -> EncoderError {
    EncoderError::WeightsFile {
        path: path.to_owned(),
        problem,
    }
}
