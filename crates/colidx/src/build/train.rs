//! Training the codebook on the sample.

use super::graph::{self, graph};
use super::layout::Layout;
use super::sample::Sample;
use super::{BuildOptions, Phase, Progress};
use crate::codebook::{NewCodebook, in_training_order};
use crate::codec::Quantizer;
use crate::error::{Error, Result};
use colidx_cluster::{Assigner, Shape, TrainOptions};
use std::sync::Once;

/// Residuals the quantiser is learned from: far more than its few hundred numbers need.
const QUANTIZER_VECTORS: usize = 1 << 17;

/// A codebook, and what compressing needs of it in the order of training.
pub(super) struct Trained {
    pub book: NewCodebook,
    pub assigner: Assigner,
    /// `[K, dim]` as they decode.
    pub centroids: Vec<f32>,
}

/// From a codebook that was stored.
impl From<NewCodebook> for Trained {
    fn from(book: NewCodebook) -> Self {
        let centroids = in_training_order(&book.centroids, &book.steps, &book.members);
        Self {
            assigner: Assigner::new(book.steps.len(), &centroids, &book.groups),
            centroids,
            book,
        }
    }
}

/// Trains centroids and residual buckets on the sample.
pub(super) fn train(
    sample: &Sample,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<Trained> {
    let dim = sample.dim;
    let token_ids = (!sample.token_ids.is_empty()).then_some(&sample.token_ids[..]);
    let train_options = TrainOptions {
        engine: options.engine,
        shape: if token_ids.is_some() {
            options.shape
        } else {
            Shape::Flat
        },
        seed: options.seed,
        ..TrainOptions::new(sample.centroids)
    };
    let length_known = Once::new();
    let watch = |p: colidx_cluster::Progress| {
        length_known.call_once(|| progress.phase(Phase::Train, Some(p.total)));
        progress.advance(p.done);
    };
    progress.phase(Phase::Train, None);
    let vectors = sample.vectors();
    let trained = colidx_cluster::train(
        &colidx_cluster::Sample {
            vectors,
            dim,
            token_ids,
        },
        &train_options,
        &watch,
    )?;
    if progress.cancelled() {
        return Err(Error::Cancelled);
    }
    let layout = Layout::new(&trained, options.seed);
    let graph = if trained.len() > graph::FEW {
        graph(&layout)?
    } else {
        Vec::new()
    };
    let centroids = in_training_order(&layout.centroids, &layout.steps, &layout.members);
    let assigner = Assigner::new(dim, &centroids, &trained.groups);

    let stride = sample.len().div_ceil(QUANTIZER_VECTORS).max(1);
    let picked: Vec<f32> = vectors
        .chunks_exact(dim)
        .step_by(stride)
        .flatten()
        .copied()
        .collect();
    let picked_ids: Option<Vec<u32>> =
        token_ids.map(|ids| ids.iter().step_by(stride).copied().collect());
    let mut codes = Vec::new();
    assigner.assign(&picked, picked_ids.as_deref(), &mut codes);
    let mut residuals = picked;
    for (row, &code) in residuals.chunks_exact_mut(dim).zip(&codes) {
        let centroid = &centroids[code as usize * dim..][..dim];
        row.iter_mut().zip(centroid).for_each(|(r, c)| *r -= c);
    }
    let squares: f64 = residuals.iter().map(|&r| f64::from(r) * f64::from(r)).sum();
    let book = NewCodebook {
        quantizer: Quantizer::train(&residuals, dim, options.nbits as usize),
        sample_error: squares / codes.len().max(1) as f64,
        centroids: layout.centroids,
        steps: layout.steps,
        cells: layout.cells,
        centres: layout.centres,
        graph,
        members: layout.members,
        groups: trained.groups,
    };
    Ok(Trained {
        book,
        assigner,
        centroids,
    })
}
