//! Reads the arrays of an `--embeddings` folder: C-order `.npy` files, version 1 to 3.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use half::f16;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Floating point of 16 or 32 bits, as f32.
pub fn floats(path: &Path) -> Result<Array> {
    let (descr, shape, bytes) = read(path)?;
    let values = match descr.as_str() {
        "<f2" => bytes
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        "<f4" => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        other => {
            return Err(format!("{}: expected <f2 or <f4, got {other}", path.display()).into());
        }
    };
    Ok(Array { shape, values })
}

/// Integers of 32 or 64 bits that fit in 32 bits without a sign.
pub fn integers(path: &Path) -> Result<Vec<u32>> {
    let (descr, _, bytes) = read(path)?;
    match descr.as_str() {
        "<i4" | "<u4" => Ok(bytes
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()),
        "<i8" => bytes
            .chunks_exact(8)
            .map(|b| Ok(u32::try_from(i64::from_le_bytes(b.try_into()?))?))
            .collect(),
        other => Err(format!("{}: expected <i4, <u4 or <i8, got {other}", path.display()).into()),
    }
}

fn read(path: &Path) -> Result<(String, Vec<usize>, Vec<u8>)> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut file = BufReader::new(file);
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if &magic[..6] != b"\x93NUMPY" {
        return Err(format!("{}: not a .npy file", path.display()).into());
    }
    let mut length = [0; 4];
    file.read_exact(&mut length[..if magic[6] == 1 { 2 } else { 4 }])?;
    let mut header = vec![0; u32::from_le_bytes(length) as usize];
    file.read_exact(&mut header)?;
    let header = String::from_utf8(header)?;
    if header.contains("'fortran_order': True") {
        return Err(format!("{}: expected C order", path.display()).into());
    }
    let descr = between(&header, "'descr': '", "'")
        .ok_or("no descr in the header")?
        .to_string();
    let shape = between(&header, "'shape': (", ")")
        .ok_or("no shape in the header")?
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| Ok(part.trim().parse()?))
        .collect::<Result<_>>()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((descr, shape, bytes))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    Some(&text[from..from + text[from..].find(end)?])
}
