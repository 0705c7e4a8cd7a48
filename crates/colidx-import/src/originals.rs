//! Vectors that fast-plaid and next-plaid keep as they were given while there are few documents.

use std::path::Path;

use colidx_data::npy::{self, Dtype, Header};
use colidx_pickle::numpy::{self, PickledArray};

use crate::array::Array;
use crate::error::ImportError;
use crate::folder::{Folder, open, unreadable};
use crate::places::Place;
use crate::vectors::Stored;

const FILE: &str = "embeddings.npy";
const LENGTHS: &str = "embeddings_lengths.json";

/// Most instructions of the pickle: a document takes about 30, and there are at most 1,000.
const MAX_INSTRUCTIONS: usize = 1 << 20;

/// The original vectors, if they are there: or why they do not fit the index.
pub(crate) fn find(
    folder: &Folder,
    places: &[Place],
    dim: usize,
) -> Option<Result<Stored, String>> {
    if !folder.has(FILE) {
        return None;
    }
    let arrays = match arrays(folder, dim) {
        Ok(arrays) => arrays,
        Err(error) => return Some(Err(error.to_string())),
    };
    if arrays.len() != places.len() {
        let counts = (arrays.len(), places.len());
        return Some(Err(format!(
            "{FILE} has {} documents of {}",
            counts.0, counts.1
        )));
    }
    for (array, place) in arrays.iter().zip(places) {
        if array.shape() != [place.len.into(), dim as u64] {
            return Some(Err(format!(
                "document {} has shape {:?} in {FILE} and {} tokens of dim {dim} in the index",
                place.number,
                array.shape(),
                place.len
            )));
        }
    }
    Some(Ok(Stored::Originals { dim, arrays }))
}

fn arrays(folder: &Folder, dim: usize) -> Result<Vec<Array>, ImportError> {
    let path = folder.need(FILE)?;
    let mut file = open(&path)?;
    match npy::objects(&mut file, &path.display().to_string())? {
        Some(start) => pickled(folder, &path, start),
        None => plain(folder, dim),
    }
}

/// fast-plaid's: a pickled array of one array a document.
fn pickled(folder: &Folder, path: &Path, start: u64) -> Result<Vec<Array>, ImportError> {
    use std::io::{Seek, SeekFrom};
    let mut file = open(path)?;
    file.seek(SeekFrom::Start(start))
        .map_err(|source| unreadable(path, source))?;
    let contents =
        colidx_pickle::run(file, MAX_INSTRUCTIONS).map_err(|source| ImportError::Pickle {
            file: path.display().to_string(),
            source,
        })?;
    let arrays = numpy::arrays(&contents);
    let arrays = arrays.map_err(|error| folder.mismatch(FILE, "arrays of vectors", error))?;
    arrays
        .iter()
        .map(|array| {
            let header = header(array).ok_or_else(|| {
                let got = format!("{} of shape {:?}", array.descr, array.shape);
                folder.mismatch(FILE, "floats for every document", got)
            })?;
            Ok(Array::at(path, header))
        })
        .collect()
}

/// An array of floats that has as many bytes as it needs.
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

/// next-plaid's: all vectors, with the lengths in another file.
fn plain(folder: &Folder, dim: usize) -> Result<Vec<Array>, ImportError> {
    let lens: Vec<u32> = folder.json(LENGTHS)?;
    let all = Array::npy(folder, FILE)?;
    let rows: u64 = lens.iter().map(|&len| u64::from(len)).sum();
    if all.shape() != [rows, dim as u64] || !all.dtype().is_float() {
        return Err(all.unfit(format!("floats of shape [{rows}, {dim}]")));
    }
    let mut first = 0;
    let mut part = |&len: &u32| {
        let array = all.part(first, len.into());
        first += u64::from(len);
        array
    };
    Ok(lens.iter().map(&mut part).collect())
}
