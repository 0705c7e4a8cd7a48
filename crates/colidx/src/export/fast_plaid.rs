//! The files of a fast-plaid index, with the centroids of ours and requantised residuals: by one
//! table of buckets for all dimensions, whose cutoffs are quantiles of the residuals.

use std::io::Write;

use colidx_data::npy::{Dtype, NpyWriter};
use colidx_data::{CompletedFile, OutputFile};
use half::f16;
use serde_json::{Value, json};

use super::records::Records;
use super::{ExportError, Out, RECORDS, Work};

pub(super) const FILES: [&str; 14] = [
    "centroids.npy",
    "bucket_cutoffs.npy",
    "bucket_weights.npy",
    "avg_residual.npy",
    "cluster_threshold.npy",
    "0.codes.npy",
    "0.residuals.npy",
    "ivf.npy",
    "ivf_lengths.npy",
    "doclens.0.json",
    "0.metadata.json",
    "plan.json",
    "metadata.json",
    RECORDS,
];

/// Vectors whose residuals the buckets are made from.
const SAMPLE: u64 = 1 << 15;

pub(super) fn write(
    work: &mut Work<'_>,
    nbits: Option<u32>,
    records: &mut Records,
) -> Result<Vec<CompletedFile>, ExportError> {
    let (index, out) = (work.index, work.out);
    let dim = index.dim();
    let nbits = match nbits {
        Some(nbits) => nbits,
        None => index.info()?.nbits,
    };
    if !matches!(nbits, 1 | 2 | 4 | 8) || !(dim * nbits as usize).is_multiple_of(8) {
        return Err(ExportError::Unfit {
            form: "fast-plaid",
            expected: "1, 2, 4 or 8 bits, and whole bytes a vector".to_owned(),
            got: format!("{dim} dimensions of {nbits} bits"),
        });
    }
    let stored = index.centroids().into_iter();
    let centroids: Vec<f32> = stored.map(|value| f16::from_f32(value).to_f32()).collect();
    let buckets = Buckets::of(work, &centroids, nbits)?;
    let count = centroids.len() / dim;

    let mut codes = npy(out, "0.codes.npy", Dtype::I64, &[])?;
    let row = dim * nbits as usize / 8;
    let mut residuals = npy(out, "0.residuals.npy", Dtype::U8, &[row as u64])?;
    let mut lens: Vec<u32> = Vec::new();
    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut docs = index.doc_ids();
    let mut take = |_: &str, vectors: &[f32]| {
        let of = match docs.next() {
            Some(doc) => index.token_centroids(doc)?,
            None => Vec::new(),
        };
        codes.write_integers(&of)?;
        residuals.write_bytes(&buckets.pack(vectors, &of, &centroids, dim))?;
        let document = lens.len() as u32;
        lens.push(of.len() as u32);
        for &centroid in &of {
            let list = &mut lists[centroid as usize];
            if list.last() != Some(&document) {
                list.push(document);
            }
        }
        Ok(())
    };
    work.each(&mut take, records)?;
    let mut files = vec![codes.finish()?.complete()?, residuals.finish()?.complete()?];

    let mut floats = |name: &str, dtype, row: &[u64], values: &[f32]| -> Result<_, ExportError> {
        let mut writer = npy(out, name, dtype, row)?;
        writer.write_floats(values)?;
        files.push(writer.finish()?.complete()?);
        Ok(())
    };
    floats("centroids.npy", Dtype::F16, &[dim as u64], &centroids)?;
    floats("bucket_cutoffs.npy", Dtype::F32, &[], &buckets.cutoffs)?;
    floats("bucket_weights.npy", Dtype::F32, &[], &buckets.weights)?;
    floats("avg_residual.npy", Dtype::F32, &[], &buckets.mean)?;
    floats(
        "cluster_threshold.npy",
        Dtype::F32,
        &[],
        &[buckets.threshold],
    )?;

    let mut ivf = npy(out, "ivf.npy", Dtype::I64, &[])?;
    let mut lengths = npy(out, "ivf_lengths.npy", Dtype::I32, &[])?;
    for list in &lists {
        ivf.write_integers(list)?;
        lengths.write_integers(&[list.len() as u32])?;
    }
    files.extend([ivf.finish()?.complete()?, lengths.finish()?.complete()?]);

    let (documents, vectors) = (work.done.documents, work.done.vectors);
    files.push(json_file(out, "doclens.0.json", &json!(lens))?);
    let chunk = json!({
        "embedding_offset": 0, "num_documents": documents, "num_embeddings": vectors
    });
    files.push(json_file(out, "0.metadata.json", &chunk)?);
    files.push(json_file(
        out,
        "plan.json",
        &json!({"nbits": nbits, "num_chunks": 1}),
    )?);
    let metadata = json!({
        "avg_doclen": vectors as f64 / documents.max(1) as f64,
        "compress_only": false,
        "nbits": nbits,
        "num_chunks": 1,
        "num_documents": documents,
        "num_embeddings": vectors,
        "num_partitions": count,
    });
    files.push(json_file(out, "metadata.json", &metadata)?);
    Ok(files)
}

fn npy(
    out: &Out<'_>,
    name: &str,
    dtype: Dtype,
    row: &[u64],
) -> Result<NpyWriter<OutputFile>, ExportError> {
    Ok(NpyWriter::new(
        out.create(name)?,
        &out.name(name),
        dtype,
        row,
    )?)
}

fn json_file(out: &Out<'_>, name: &str, value: &Value) -> Result<CompletedFile, ExportError> {
    let mut file = out.create(name)?;
    let written = file.write_all(value.to_string().as_bytes());
    written.map_err(out.io(name))?;
    Ok(file.complete()?)
}

/// How one dimension of a residual becomes a few bits.
struct Buckets {
    nbits: u32,
    cutoffs: Vec<f32>,
    weights: Vec<f32>,
    /// Mean magnitude by dimension.
    mean: Vec<f32>,
    /// Length of a residual that three quarters do not exceed.
    threshold: f32,
}

impl Buckets {
    fn of(work: &Work<'_>, centroids: &[f32], nbits: u32) -> Result<Buckets, ExportError> {
        let (index, dim) = (work.index, work.index.dim());
        let step = (index.num_vectors() / SAMPLE).max(1) as usize;
        let (mut values, mut lengths) = (Vec::new(), Vec::new());
        let mut mean = vec![0.0; dim];
        for doc in index.doc_ids().step_by(step) {
            let (vectors, codes) = (index.token_vectors(doc)?, index.token_centroids(doc)?);
            for (vector, &code) in vectors.chunks_exact(dim).zip(&codes) {
                let centroid = &centroids[code as usize * dim..][..dim];
                let residual = vector.iter().zip(centroid).map(|(v, c)| v - c);
                let from = values.len();
                values.extend(residual);
                let residual = &values[from..];
                lengths.push(residual.iter().map(|r| r * r).sum::<f32>().sqrt());
                mean.iter_mut()
                    .zip(residual)
                    .for_each(|(m, r)| *m += r.abs());
            }
        }
        mean.iter_mut()
            .for_each(|m| *m /= lengths.len().max(1) as f32);
        values.sort_unstable_by(f32::total_cmp);
        lengths.sort_unstable_by(f32::total_cmp);
        let count = 1u32 << nbits;
        let share = |at: f32| quantile(&values, at / count as f32);
        Ok(Buckets {
            nbits,
            cutoffs: (1..count).map(|at| share(at as f32)).collect(),
            weights: (0..count).map(|at| share(at as f32 + 0.5)).collect(),
            mean,
            threshold: quantile(&lengths, 0.75),
        })
    }

    /// Residuals as bytes: the first dimension in the highest bits, each with its bits reversed.
    fn pack(&self, vectors: &[f32], codes: &[u32], centroids: &[f32], dim: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(vectors.len() * self.nbits as usize / 8);
        let (mut byte, mut bits) = (0u8, 0);
        for (vector, &code) in vectors.chunks_exact(dim).zip(codes) {
            let centroid = &centroids[code as usize * dim..][..dim];
            for (value, centre) in vector.iter().zip(centroid) {
                let residual = value - centre;
                let bucket = self.cutoffs.partition_point(|&cutoff| cutoff < residual);
                for bit in 0..self.nbits {
                    byte = (byte << 1) | ((bucket >> bit) & 1) as u8;
                    bits += 1;
                    if bits == 8 {
                        bytes.push(byte);
                        (byte, bits) = (0, 0);
                    }
                }
            }
        }
        bytes
    }
}

/// A value that this share of the sorted values does not exceed, between neighbours; 0 of none.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let at = f64::from(share) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    let part = (at - below as f64) as f32;
    sorted[below] + (sorted[above] - sorted[below]) * part
}
