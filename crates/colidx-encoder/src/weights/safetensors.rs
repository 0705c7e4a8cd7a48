//! Tensors in a safetensors file.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::{TensorMeta, damaged};
use crate::EncoderError;
use crate::files;

/// Largest header in bytes; those of the largest models have a few hundred thousand. It takes
/// several times that in memory.
const MAX_HEADER: u64 = 16 << 20;

/// The header of a file. Tensors are read on demand.
pub(super) struct Safetensors {
    path: PathBuf,
    header: Metadata,
    /// Byte offset of the tensors, after the header.
    start: u64,
}

impl Safetensors {
    pub(super) fn open(path: PathBuf) -> Result<Safetensors, EncoderError> {
        let io = |source| files::io(&path, source);
        let mut file = files::open(&path)?;
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
            let problem = format!(
                "the header should have {size} bytes; the file has {length}, and at most \
                 {MAX_HEADER} are read"
            );
            return Err(damaged(&path, problem));
        }
        let mut bytes = vec![0; size as usize];
        file.read_exact(&mut bytes).map_err(io)?;
        // Parsing also checks that the tensors are contiguous and match their shapes.
        let header: Metadata = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(&path, format!("its header: {error}")))?;
        let start = 8 + size;
        let expected = start.saturating_add(header.data_len() as u64);
        if expected != length {
            let problem = format!("{expected} bytes expected, {length} found");
            return Err(damaged(&path, problem));
        }
        Ok(Safetensors {
            path,
            header,
            start,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn find(&self, name: &str) -> Option<TensorMeta> {
        self.header.info(name).map(meta)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = TensorMeta> {
        self.header.tensors().into_values().map(meta)
    }

    /// Appends the elements of `name`, which exists and holds floats, to `out`.
    pub(super) fn append(&self, name: &str, out: &mut Vec<f32>) -> Result<(), EncoderError> {
        let Some(info) = self.header.info(name) else {
            return Ok(());
        };
        let count = info.shape.iter().product::<usize>();
        if info.dtype == Dtype::F32 {
            let start = out.len();
            out.resize(start + count, 0.0);
            let values = &mut out[start..];
            self.read(info, bytemuck::cast_slice_mut(values))?;
            for value in values {
                *value = f32::from_bits(u32::from_le(value.to_bits()));
            }
            return Ok(());
        }
        let mut bytes = vec![0; 2 * count];
        self.read(info, &mut bytes)?;
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
        Ok(())
    }

    fn read(&self, tensor: &TensorInfo, out: &mut [u8]) -> Result<(), EncoderError> {
        let at = self.start + tensor.data_offsets.0 as u64;
        let io = |source| files::io(&self.path, source);
        let mut file = files::open(&self.path)?;
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        file.read_exact(out).map_err(io)
    }
}

fn meta(info: &TensorInfo) -> TensorMeta {
    TensorMeta {
        shape: info.shape.clone(),
        element: format!("{:?}", info.dtype),
    }
}
