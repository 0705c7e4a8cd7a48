//! Tensors in a file of `torch.save`.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use candle_core::DType;
use candle_core::pickle::{PthTensors, TensorInfo};

use super::{Found, damaged};
use crate::EncoderError;
use crate::checkpoint::files;

/// An archive whose table of contents is a Python pickle. Candle reads the pickle as data: no code in it runs.
pub(super) struct Pickle {
    path: PathBuf,
    tensors: PthTensors,
}

impl Pickle {
    pub(super) fn open(path: PathBuf) -> Result<Pickle, EncoderError> {
        // Candle's reader takes it that torch wrote the pickle, and panics at some that torch did not write.
        let tensors = catch_unwind(|| PthTensors::new(&path, None))
            .map_err(|_| damaged(&path, "it was not written by torch.save".to_owned()))?
            .map_err(|error| damaged(&path, one_line(&error)))?;
        if tensors.tensor_infos().is_empty() {
            return Err(damaged(&path, "it holds no named tensors".to_owned()));
        }
        Ok(Pickle { path, tensors })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn find(&self, name: &str) -> Option<Found> {
        self.tensors.tensor_infos().get(name).map(found)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Found> {
        self.tensors.tensor_infos().values().map(found)
    }

    /// Appends the elements of `name`, which is there and holds floats, to `out`.
    pub(super) fn append(&self, name: &str, out: &mut Vec<f32>) -> Result<(), EncoderError> {
        let bad = |problem: String| damaged(&self.path, format!("tensor `{name}`: {problem}"));
        // Candle skips as many bytes as the tensor's first element has elements before it.
        let shared = (self.tensors.tensor_infos().get(name))
            .is_some_and(|info| info.layout.start_offset() > 0);
        if shared {
            let problem = "it lies behind others in one storage, which cannot be read; save the checkpoint as safetensors";
            return Err(bad(problem.to_owned()));
        }
        let io = |source| files::io(&self.path, source);
        let length = std::fs::metadata(&self.path).map_err(io)?.len();
        let size = (self.tensors.tensor_infos().get(name)).map_or(0, |info| {
            let width = info.dtype.size_in_bytes() as u64;
            found(info).elements().saturating_mul(width)
        });
        if size > length {
            return Err(bad(format!(
                "{size} bytes expected, and the whole file has {length}"
            )));
        }
        let values = self
            .tensors
            .get(name)
            .and_then(|tensor| match tensor {
                Some(tensor) => tensor
                    .to_dtype(DType::F32)?
                    .flatten_all()?
                    .to_vec1::<f32>()
                    .map(Some),
                None => Ok(None),
            })
            .map_err(|error| bad(one_line(&error)))?;
        out.extend(values.into_iter().flatten());
        Ok(())
    }
}

fn found(info: &TensorInfo) -> Found {
    Found {
        shape: info.layout.dims().to_vec(),
        element: format!("{:?}", info.dtype),
    }
}

/// Candle's errors may carry a backtrace behind their first line.
fn one_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
