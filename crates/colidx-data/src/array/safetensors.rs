//! safetensors: the length of a JSON header, the header, and the tensors' bytes behind it.
//!
//! Format: <https://huggingface.co/docs/safetensors>.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ArrayError, StoredArray, damaged, open, unreadable};
use crate::file_name;
use crate::npy::{Dtype, Header};

/// Most bytes of a header, as other readers have it: a tensor takes about 100.
const MAX_HEADER: u64 = 100_000_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor {
        dtype: String,
        shape: Vec<u64>,
        data_offsets: [u64; 2],
    },
    /// `__metadata__`
    Other(IgnoredAny),
}

pub(super) fn read(path: &Path) -> Result<Vec<(String, StoredArray)>, ArrayError> {
    let fault = damaged(path, "a safetensors file", "safetensors");
    let mut file = open(path)?;
    let length = file
        .metadata()
        .map_err(|source| unreadable(path, source))?
        .len();
    let mut size = [0; 8];
    file.read_exact(&mut size)
        .map_err(|source| unreadable(path, source))?;
    let size = u64::from_le_bytes(size);
    let start = size
        .checked_add(8)
        .filter(|&start| size <= MAX_HEADER && start <= length)
        .ok_or_else(|| fault(format!("its header claims {size} bytes of {length}")))?;
    let mut text = Vec::new();
    let read = file.take(size).read_to_end(&mut text);
    read.map_err(|source| unreadable(path, source))?;
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(&text)
        .map_err(|error| fault(format!("its header is not valid: {error}")))?;
    let shared: Arc<Path> = path.into();
    let mut arrays = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let (dtype, shape, [begin, end]) = match entry {
            Entry::Tensor {
                dtype,
                shape,
                data_offsets,
            } => (dtype, shape, data_offsets),
            Entry::Other(_) if name == "__metadata__" => continue,
            Entry::Other(_) => {
                return Err(fault(format!(
                    "tensor `{name}` lacks dtype, shape or data_offsets"
                )));
            }
        };
        let Some(dtype) = element(&dtype) else {
            return Err(ArrayError::Element {
                file: file_name(path).to_string(),
                array: name,
                got: dtype,
            });
        };
        let bytes = (shape.iter()).try_fold(dtype.size() as u64, |n, &size| n.checked_mul(size));
        let fits = start.checked_add(end).is_some_and(|end| end <= length);
        if !fits || end.checked_sub(begin).is_none() || end.checked_sub(begin) != bytes {
            return Err(fault(format!(
                "tensor `{name}` of shape {shape:?} lies at bytes {begin} to {end} of {}",
                length - start
            )));
        }
        let header = Header {
            dtype,
            shape,
            data_offset: start + begin,
        };
        let path = Arc::clone(&shared);
        arrays.push((name, StoredArray { path, header }));
    }
    Ok(arrays)
}

fn element(name: &str) -> Option<Dtype> {
    Some(match name {
        "F32" => Dtype::F32,
        "F16" => Dtype::F16,
        "BF16" => Dtype::Bf16,
        "F64" => Dtype::F64,
        "I32" => Dtype::I32,
        "I64" => Dtype::I64,
        "U32" => Dtype::U32,
        "U8" => Dtype::U8,
        _ => return None,
    })
}
