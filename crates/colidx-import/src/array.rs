//! Arrays in files of numpy and of torch, as one thing.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use colidx_data::npy::{Dtype, Header, NpyReader};
use colidx_pickle::torch::{self, Element, StoredTensor};

use crate::error::ImportError;
use crate::folder::{Folder, open};

/// Most bytes of a small array, such as bucket weights.
const SMALL: u64 = 1 << 16;

/// An array that lies somewhere in a file.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    path: PathBuf,
    header: Header,
}

impl Array {
    /// The array of a `.npy` file.
    pub(crate) fn npy(folder: &Folder, name: &str) -> Result<Array, ImportError> {
        let path = folder.need(name)?;
        let reader = NpyReader::new(open(&path)?, &path.display().to_string())?;
        let header = reader.header().clone();
        Ok(Array { path, header })
    }

    /// The only tensor of a `.pt` file.
    pub(crate) fn tensor(folder: &Folder, name: &str) -> Result<Array, ImportError> {
        let mut tensors = Array::tensors(folder, name)?;
        let tensor = tensors.remove("");
        tensor.ok_or_else(|| folder.mismatch(name, "one tensor", "several"))
    }

    /// The tensors of a `.pt` file; see [`torch::read`] for their names.
    pub(crate) fn tensors(
        folder: &Folder,
        name: &str,
    ) -> Result<BTreeMap<String, Array>, ImportError> {
        let path = folder.need(name)?;
        let tensors = torch::read(open(&path)?).map_err(|source| ImportError::Torch {
            file: path.display().to_string(),
            source,
        })?;
        tensors
            .into_iter()
            .map(|(key, tensor)| {
                let header = header(&tensor).ok_or_else(|| {
                    let got = format!(
                        "{} of shape {:?} that lies elsewhere or otherwise",
                        tensor.element().name(),
                        tensor.shape()
                    );
                    folder.mismatch(name, "a contiguous tensor of numbers in the file", got)
                })?;
                let path = path.clone();
                Ok((key, Array { path, header }))
            })
            .collect()
    }

    /// An array at a place in a file that has others too.
    pub(crate) fn at(path: &Path, header: Header) -> Array {
        let path = path.to_owned();
        Array { path, header }
    }

    /// Rows of an array of two dimensions, all of which are in it.
    pub(crate) fn part(&self, first: u64, rows: u64) -> Array {
        let mut header = self.header.clone();
        let row = header.shape[1..].iter().product::<u64>() * header.dtype.size() as u64;
        header.data_offset += first * row;
        header.shape[0] = rows;
        Array::at(&self.path, header)
    }

    pub(crate) fn file(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn shape(&self) -> &[u64] {
        &self.header.shape
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.header.dtype
    }

    /// An error about its shape or type.
    pub(crate) fn unfit(&self, expected: impl Into<String>) -> ImportError {
        ImportError::Mismatch {
            file: self.file(),
            expected: expected.into(),
            got: format!("{} of shape {:?}", self.header.dtype, self.header.shape),
        }
    }

    /// Its only dimension.
    pub(crate) fn length(&self, expected: &str) -> Result<u64, ImportError> {
        match *self.shape() {
            [length] => Ok(length),
            _ => Err(self.unfit(expected)),
        }
    }

    /// Its two dimensions.
    pub(crate) fn rows(&self, expected: &str) -> Result<[u64; 2], ImportError> {
        <[u64; 2]>::try_from(self.shape()).map_err(|_| self.unfit(expected))
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> Result<NpyReader<File>, ImportError> {
        let file = open(&self.path)?;
        Ok(NpyReader::headless(
            file,
            &self.file(),
            self.header.clone(),
        )?)
    }

    /// All of its floats.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, ImportError> {
        let mut out = Vec::new();
        let count = self.header.elements() as usize;
        self.open()?.read_floats(0, count, &mut out)?;
        Ok(out)
    }

    /// All of its floats, of which there are few, whatever their shape.
    pub(crate) fn few_floats(&self, expected: &str) -> Result<Vec<f32>, ImportError> {
        if self.header.elements() > SMALL || !self.dtype().is_float() {
            return Err(self.unfit(expected));
        }
        self.floats()
    }

    /// All of its integers.
    pub(crate) fn integers(&self) -> Result<Vec<i64>, ImportError> {
        let mut out = Vec::new();
        let count = self.header.elements() as usize;
        self.open()?.read_integers(0, count, &mut out)?;
        Ok(out)
    }
}

/// Where a tensor lies, if it can be read in place.
fn header(tensor: &StoredTensor) -> Option<Header> {
    let dtype = match tensor.element() {
        Element::F32 => Dtype::F32,
        Element::F16 => Dtype::F16,
        Element::I32 => Dtype::I32,
        Element::I64 => Dtype::I64,
        Element::U8 => Dtype::U8,
        _ => return None,
    };
    let range = tensor.bytes().filter(|_| tensor.is_contiguous())?;
    Some(Header {
        dtype,
        shape: tensor.shape().iter().map(|&size| size as u64).collect(),
        data_offset: range.start,
    })
}
