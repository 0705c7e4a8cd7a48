//! Arrays in files of numpy and of torch, with errors about an index.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use colidx_data::array::{self, StoredArray};
use colidx_data::npy::{Dtype, NpyReader};

use crate::error::ImportError;
use crate::folder::Folder;

/// Most bytes of a small array, such as bucket weights.
const SMALL: u64 = 1 << 16;

/// An array that lies somewhere in a file.
#[derive(Debug, Clone)]
pub(crate) struct Array(StoredArray);

impl Array {
    /// The array of a `.npy` file.
    pub(crate) fn npy(folder: &Folder, name: &str) -> Result<Array, ImportError> {
        Ok(Array(array::npy(&folder.need(name)?)?))
    }

    /// The only tensor of a `.pt` file.
    pub(crate) fn tensor(folder: &Folder, name: &str) -> Result<Array, ImportError> {
        let mut tensors = Array::tensors(folder, name)?;
        let tensor = tensors.remove("");
        tensor.ok_or_else(|| folder.mismatch(name, "one tensor", "several"))
    }

    /// The tensors of a `.pt` file; see [`array::tensors`] for their names.
    pub(crate) fn tensors(
        folder: &Folder,
        name: &str,
    ) -> Result<BTreeMap<String, Array>, ImportError> {
        let tensors = array::tensors(&folder.need(name)?)?.into_iter();
        Ok(tensors.map(|(name, array)| (name, Array(array))).collect())
    }

    /// The arrays in a `.npy` file of objects; `None` if its elements are plain numbers.
    pub(crate) fn objects(path: &Path) -> Result<Option<Vec<Array>>, ImportError> {
        let arrays = array::objects(path)?;
        Ok(arrays.map(|arrays| arrays.into_iter().map(Array).collect()))
    }

    /// Rows of an array of two dimensions, all of which are in it.
    pub(crate) fn part(&self, first: u64, rows: u64) -> Array {
        Array(self.0.part(first, rows))
    }

    pub(crate) fn file(&self) -> String {
        self.0.path().display().to_string()
    }

    pub(crate) fn shape(&self) -> &[u64] {
        self.0.shape()
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.0.dtype()
    }

    /// An error about its shape or type.
    pub(crate) fn unfit(&self, expected: impl Into<String>) -> ImportError {
        ImportError::Mismatch {
            file: self.file(),
            expected: expected.into(),
            got: format!("{} of shape {:?}", self.dtype(), self.shape()),
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

    /// Refuses it if it has more than `most` rows, before they are read. The rows of a file may
    /// take no room on disk, and do in memory.
    pub(crate) fn at_most(&self, most: u64, expected: &str) -> Result<(), ImportError> {
        match self.shape().first() {
            Some(&rows) if rows > most => Err(self.unfit(format!("at most {most} {expected}"))),
            _ => Ok(()),
        }
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> Result<NpyReader<File>, ImportError> {
        Ok(self.0.open()?)
    }

    /// All of its floats.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, ImportError> {
        let mut out = Vec::new();
        let count = self.0.elements() as usize;
        self.open()?.read_floats(0, count, &mut out)?;
        Ok(out)
    }

    /// All of its floats, of which there are few, whatever their shape.
    pub(crate) fn few_floats(&self, expected: &str) -> Result<Vec<f32>, ImportError> {
        if self.0.elements() > SMALL || !self.dtype().is_float() {
            return Err(self.unfit(expected));
        }
        self.floats()
    }

    /// All of its integers.
    pub(crate) fn integers(&self) -> Result<Vec<i64>, ImportError> {
        let mut out = Vec::new();
        let count = self.0.elements() as usize;
        self.open()?.read_integers(0, count, &mut out)?;
        Ok(out)
    }
}
