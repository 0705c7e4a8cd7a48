//! Training the codebook on the sample.

use super::parts::Parts;
use super::{BuildOptions, Phase, Progress};
use crate::codebook::layout::Layout;
use crate::codebook::residual_quantizer::ResidualQuantizer;
use crate::codebook::{NewCodebook, graph, in_training_order};
use crate::error::{Error, Result};
use colidx_cluster::{Assigner, ClusterError, Codebook, Rows, TrainOptions};
use std::ops::ControlFlow;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// Residuals the quantiser is learned from: far more than its few hundred numbers need.
const QUANTIZER_VECTORS: usize = 1 << 16;

/// A codebook, and an assigner, which numbers centroids in the order of training.
pub(crate) struct Trained {
    pub book: NewCodebook,
    pub assigner: Assigner,
}

/// From a codebook that was stored.
impl From<NewCodebook> for Trained {
    fn from(book: NewCodebook) -> Self {
        let centroids = in_training_order(&book.centroids, &book.steps, &book.members);
        Self {
            assigner: Assigner::new(book.steps.len(), &centroids, &book.groups),
            book,
        }
    }
}

impl Trained {
    /// Whether the centroids to choose from depend on the token.
    pub(super) fn needs_token_ids(&self) -> bool {
        self.book.groups.len() > 1
    }
}

/// How to train, but for the number of centroids.
pub(super) fn train_options(options: &BuildOptions) -> TrainOptions {
    TrainOptions {
        backend: options.engine,
        kind: options.shape,
        seed: options.seed,
        ..TrainOptions::new(0)
    }
}

/// Trains centroids, and the weights and gains of residuals, on a sample. `memory` is for the parts of it that are held at a time.
pub(super) fn train(
    mut parts: Parts,
    centroids: usize,
    options: &BuildOptions,
    memory: usize,
    progress: &dyn Progress,
) -> Result<Trained> {
    let train_options = TrainOptions {
        centroids,
        memory,
        ..train_options(options)
    };
    let length_known = Once::new();
    let done = AtomicU64::new(0);
    let graph_work = if graph::is_needed(centroids) {
        graph::work(centroids)
    } else {
        0
    };
    let watch = |p: colidx_cluster::Progress| {
        length_known.call_once(|| progress.phase(Phase::Train, Some(p.total + graph_work)));
        done.store(p.done, Ordering::Relaxed);
        progress.advance(p.done);
        match progress.cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    progress.phase(Phase::Train, None);
    let trained = colidx_cluster::train_parts(&parts.partition, &parts, &train_options, &watch)
        .map_err(|error| match error {
            ClusterError::Cancelled => Error::Cancelled,
            error => error.into(),
        })?;
    let Rows {
        vectors: mut residuals,
        mut token_ids,
    } = std::mem::take(&mut parts.first);
    drop(parts);

    let dim = trained.dim;
    let layout = Layout::new(&trained, options.seed);
    let Codebook {
        mut centroids,
        groups,
        ..
    } = trained;
    layout.round(&mut centroids);
    let graph = if graph::is_needed(layout.members.len()) {
        graph::build(&layout, &|compared| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            progress.advance(done.fetch_add(compared, Ordering::Relaxed) + compared);
            Ok(())
        })?
    } else {
        Vec::new()
    };
    let assigner = Assigner::new(dim, &centroids, &groups);

    // The first vectors of a sample that is in random order are as good as any.
    residuals.truncate(QUANTIZER_VECTORS * dim);
    token_ids.truncate(QUANTIZER_VECTORS);
    let token_ids = (!token_ids.is_empty()).then_some(token_ids);
    let mut codes = Vec::new();
    assigner.assign(&residuals, token_ids.as_deref(), &mut codes);
    for (row, &code) in residuals.chunks_exact_mut(dim).zip(&codes) {
        let centroid = &centroids[code as usize * dim..][..dim];
        row.iter_mut().zip(centroid).for_each(|(r, c)| *r -= c);
    }
    let squares: f64 = residuals.iter().map(|&r| f64::from(r) * f64::from(r)).sum();
    let book = NewCodebook {
        quantizer: ResidualQuantizer::train(&residuals, dim, options.nbits as usize),
        sample_error: squares / codes.len().max(1) as f64,
        centroids: layout.centroids,
        steps: layout.steps,
        cells: layout.cells,
        centres: layout.centres,
        graph,
        members: layout.members,
        groups,
    };
    Ok(Trained { book, assigner })
}
