//! Tensors in a file of `torch.save`.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use colidx_pickle::torch::{self, StoredTensor};

use super::{TensorMeta, damaged};
use crate::EncoderError;
use crate::files;

/// An archive with a Python pickle that describes the tensors, and one entry per storage. The
/// pickle is read as data; none of its code runs. Candle's own reader trusts the lengths in the
/// file.
pub(super) struct Pickle {
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
    /// Bytes of the file, and bytes of tensors read so far. A model reads each tensor once, so more
    /// means that tensors overlap, by which a small file could fill any memory.
    length: u64,
    read: AtomicU64,
}

impl Pickle {
    pub(super) fn open(path: PathBuf) -> Result<Pickle, EncoderError> {
        let file = files::open(&path)?;
        let length = file
            .metadata()
            .map_err(|source| files::io(&path, source))?
            .len();
        let tensors = torch::read(file).map_err(|problem| damaged(&path, problem.to_string()))?;
        Ok(Pickle {
            path,
            tensors,
            length,
            read: AtomicU64::new(0),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn find(&self, name: &str) -> Option<TensorMeta> {
        self.tensors.get(name).map(meta)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = TensorMeta> {
        self.tensors.values().map(meta)
    }

    /// Appends the elements of `name`, which exists and holds floats, to `out`.
    pub(super) fn append(&self, name: &str, out: &mut Vec<f32>) -> Result<(), EncoderError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Ok(());
        };
        let Some(range) = tensor.bytes() else {
            let problem = format!(
                "tensor `{name}`: its shape, strides and offset do not fit in the {} bytes of its \
                 storage",
                tensor.storage_bytes()
            );
            return Err(damaged(&self.path, problem));
        };
        let size = range.end - range.start;
        if self.read.fetch_add(size, Ordering::Relaxed) + size > self.length {
            let problem = format!("tensor `{name}` and others lie in one another");
            return Err(damaged(&self.path, problem));
        }
        let io = |source| files::io(&self.path, source);
        let mut bytes = vec![0; size as usize];
        let mut file = files::open(&self.path)?;
        file.seek(SeekFrom::Start(range.start)).map_err(io)?;
        file.read_exact(&mut bytes).map_err(io)?;
        tensor.append_floats(&bytes, out);
        Ok(())
    }
}

fn meta(stored: &StoredTensor) -> TensorMeta {
    TensorMeta {
        shape: stored.shape().to_vec(),
        element: stored.element().name().to_owned(),
    }
}
