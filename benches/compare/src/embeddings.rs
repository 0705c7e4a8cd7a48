//! The `--embeddings` layout: token vectors, document lengths and keys.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ndarray::Array2;
use npyz::half::f16;
use npyz::{DType, NpyFile, TypeChar};

fn open(path: &Path) -> Result<NpyFile<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    NpyFile::new(BufReader::with_capacity(1 << 20, file))
        .with_context(|| format!("{} is not a .npy file", path.display()))
}

/// Shape and values, in C order, of an f16 or f32 array.
fn read_floats(path: &Path) -> Result<(Vec<usize>, Vec<f32>)> {
    let array = open(path)?;
    ensure!(
        array.order() == npyz::Order::C,
        "{}: expected C order",
        path.display()
    );
    let shape = array.shape().iter().map(|&n| n as usize).collect();
    let width = match array.dtype() {
        DType::Plain(t) if t.type_char() == TypeChar::Float => t.size_field(),
        other => bail!(
            "{}: expected f16 or f32, got {}",
            path.display(),
            other.descr()
        ),
    };
    let values = match width {
        2 => array
            .data::<f16>()?
            .map(|v| v.map(f16::to_f32))
            .collect::<Result<_, _>>(),
        _ => array.into_vec::<f32>(),
    };
    Ok((
        shape,
        values.with_context(|| format!("{}: cannot read the values", path.display()))?,
    ))
}

fn read_lengths(path: &Path) -> Result<Vec<usize>> {
    let array = open(path)?;
    let lengths: Vec<i64> = match array.dtype() {
        DType::Plain(t) if t.size_field() == 4 => array
            .data::<i32>()?
            .map(|v| v.map(i64::from))
            .collect::<Result<_, _>>()?,
        _ => array.into_vec::<i64>()?,
    };
    lengths
        .into_iter()
        .map(|n| usize::try_from(n).with_context(|| format!("{}: a length of {n}", path.display())))
        .collect()
}

/// One `[tokens, dim]` f32 matrix a document.
pub fn read_documents(folder: &Path) -> Result<Vec<Array2<f32>>> {
    let lengths = read_lengths(&folder.join("doc_lens.npy"))?;
    let path = folder.join("doc_embeddings.npy");
    let (shape, values) = read_floats(&path)?;
    let &[rows, dim] = shape.as_slice() else {
        bail!("{}: expected [tokens, dim], got {shape:?}", path.display())
    };
    let total: usize = lengths.iter().sum();
    ensure!(
        rows == total,
        "{}: {rows} rows, but doc_lens.npy adds up to {total}",
        path.display()
    );
    let mut at = 0;
    lengths
        .iter()
        .map(|&n| {
            let block = values[at * dim..(at + n) * dim].to_vec();
            at += n;
            Ok(Array2::from_shape_vec((n, dim), block)?)
        })
        .collect()
}

/// One `[tokens, dim]` f32 matrix a query.
pub fn read_queries(path: &Path) -> Result<Vec<Array2<f32>>> {
    let (shape, values) = read_floats(path)?;
    let &[_, tokens, dim] = shape.as_slice() else {
        bail!(
            "{}: expected [queries, tokens, dim], got {shape:?}",
            path.display()
        )
    };
    values
        .chunks_exact(tokens * dim)
        .map(|q| Ok(Array2::from_shape_vec((tokens, dim), q.to_vec())?))
        .collect()
}

/// One key a line.
pub fn read_keys(path: &Path) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
