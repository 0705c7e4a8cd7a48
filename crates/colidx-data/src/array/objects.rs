//! `.npy` files of Python objects, as numpy saves ragged arrays: a pickle, read as data.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use colidx_pickle::numpy::{self, PickledArray};

use super::{ArrayError, StoredArray, damaged, open, unreadable};
use crate::file_name;
use crate::npy::{self, Dtype, Header};

/// Most instructions of the pickle: an array takes about 30.
const MAX_INSTRUCTIONS: usize = 1 << 22;

/// The arrays in a file of objects, in order; `None` if its elements are plain numbers.
///
/// # Errors
/// The file cannot be read, or its objects are no arrays of floats.
pub fn objects(path: &Path) -> Result<Option<Vec<StoredArray>>, ArrayError> {
    let mut file: File = open(path)?;
    let Some(start) = npy::objects(&mut file, &file_name(path))? else {
        return Ok(None);
    };
    let fault = damaged(path, "arrays of vectors as objects", "numpy.save");
    let found = file.seek(SeekFrom::Start(start));
    found.map_err(|source| unreadable(path, source))?;
    let contents = colidx_pickle::run(file, MAX_INSTRUCTIONS)
        .map_err(|error| fault(format!("its pickle cannot be read: {error}")))?;
    let arrays = numpy::arrays(&contents).map_err(|error| fault(error.to_string()))?;
    let shared: Arc<Path> = path.into();
    let array = |array: &PickledArray| {
        let header = header(array).ok_or_else(|| {
            fault(format!(
                "one holds {} of shape {:?} and not as many floats",
                array.descr, array.shape
            ))
        })?;
        let path = Arc::clone(&shared);
        Ok(StoredArray { path, header })
    };
    arrays.iter().map(array).collect::<Result<_, _>>().map(Some)
}

/// Where an array of floats lies that has as many bytes as it needs.
fn header(array: &PickledArray) -> Option<Header> {
    let dtype = Dtype::of(&array.descr).filter(|dtype| dtype.is_float())?;
    let shape: Vec<u64> = array.shape.iter().map(|&size| size as u64).collect();
    let bytes =
        (shape.iter()).try_fold(dtype.size() as u64, |bytes, &size| bytes.checked_mul(size))?;
    (bytes == array.bytes.end - array.bytes.start).then_some(Header {
        dtype,
        shape,
        data_offset: array.bytes.start,
    })
}
