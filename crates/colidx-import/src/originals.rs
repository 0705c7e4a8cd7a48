//! Vectors that fast-plaid and next-plaid keep as they were given while there are few documents.

use crate::array::Array;
use crate::error::ImportError;
use crate::folder::Folder;
use crate::places::Place;
use crate::vectors::Stored;

const FILE: &str = "embeddings.npy";
const LENGTHS: &str = "embeddings_lengths.json";

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

/// fast-plaid's are a pickled array of one array a document.
fn arrays(folder: &Folder, dim: usize) -> Result<Vec<Array>, ImportError> {
    match Array::objects(&folder.need(FILE)?)? {
        Some(arrays) => Ok(arrays),
        None => plain(folder, dim),
    }
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
