//! Vectors that fast-plaid and next-plaid keep as they were given while there are few documents.
//!
//! The engines search what they decode, and that has unit length whatever was given.

use crate::array::Array;
use crate::error::ImportError;
use crate::folder::Folder;
use crate::places::Place;
use crate::report::{NoteKind, Report};
use crate::vectors::Stored;

const FILE: &str = "embeddings.npy";
const LENGTHS: &str = "embeddings_lengths.json";

/// How far from 1 a length is that of a vector of unit length: f16 and bf16 come as near.
const NEAR: f64 = 0.01;

/// The original vectors, if they are there: or why they do not fit the index. Reads them once, to
/// tell how many have another length.
pub(crate) fn find(
    folder: &Folder,
    places: &[Place],
    dim: usize,
    report: &mut Report,
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
    let mut vectors = Vec::new();
    for (array, place) in arrays.iter().zip(places) {
        vectors.clear();
        if let Err(error) = read(array, dim, place.len, &mut vectors) {
            return Some(Err(error.to_string()));
        }
        let scaled = vectors.chunks_exact_mut(dim).map(to_unit);
        let scaled = scaled.filter(|&scaled| scaled).count() as u64;
        if scaled > 0 {
            report.add_all(NoteKind::OriginalsScaled, scaled, place.number);
        }
    }
    Some(Ok(Stored::Originals { dim, arrays }))
}

/// Appends the vectors of a document as they were given.
fn read(array: &Array, dim: usize, len: u32, out: &mut Vec<f32>) -> Result<(), ImportError> {
    Ok(array.open()?.read_floats(0, len as usize * dim, out)?)
}

/// Appends the vectors of a document, of unit length.
pub(crate) fn read_unit(
    array: &Array,
    dim: usize,
    len: u32,
    out: &mut Vec<f32>,
) -> Result<(), ImportError> {
    let start = out.len();
    read(array, dim, len, out)?;
    out[start..].chunks_exact_mut(dim).for_each(|vector| {
        to_unit(vector);
    });
    Ok(())
}

/// Brings a vector to unit length, unless it is near it or has none; whether it did.
fn to_unit(vector: &mut [f32]) -> bool {
    let squares = vector.iter().map(|&value| f64::from(value).powi(2));
    let length = squares.sum::<f64>().sqrt();
    let other = length.is_finite() && length > 0.0 && (length - 1.0).abs() > NEAR;
    if other {
        let scale = |value: &mut f32| *value = (f64::from(*value) / length) as f32;
        vector.iter_mut().for_each(scale);
    }
    other
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
