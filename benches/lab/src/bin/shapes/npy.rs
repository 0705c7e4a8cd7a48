//! Whole arrays of an `--embeddings` folder.

use std::path::Path;

use colidx_data::npy::NpyReader;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A floating-point array of `N` dimensions, which `expected` names: its shape and values.
pub fn floats<const N: usize>(
    path: &Path,
    expected: &'static str,
) -> Result<([usize; N], Vec<f32>)> {
    let mut reader = NpyReader::open(path)?;
    let shape = reader.dimensions::<N>(expected)?.map(|n| n as usize);
    let mut values = Vec::new();
    reader.read_floats(0, shape.iter().product(), &mut values)?;
    Ok((shape, values))
}

/// An array of integers that fit 32 bits without a sign.
pub fn integers(path: &Path) -> Result<Vec<u32>> {
    let mut reader = NpyReader::open(path)?;
    let mut values = Vec::new();
    reader.read_integers(0, reader.header().elements() as usize, &mut values)?;
    Ok(values
        .into_iter()
        .map(u32::try_from)
        .collect::<std::result::Result<_, _>>()?)
}
