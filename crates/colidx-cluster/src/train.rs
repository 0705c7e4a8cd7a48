//! Training: a sample in, a codebook out.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::assign::gather;
use crate::engine::{Problem, solve};
use crate::rng::mix;
use crate::token_aware::{Share, allocate};
use crate::{ClusterError, Codebook, Progress, SHARED, Sample, Shape, TrainOptions};

/// Trains a codebook. `progress` is called from any thread, after every pass of every k-means problem.
///
/// No vectors, or no centroids asked for, give an empty codebook; fewer distinct vectors than centroids give one centroid a
/// vector.
///
/// # Errors
/// [`ClusterError`] if the engine is not in this build, the sample's parts do not fit together or hold a value that is not
/// finite, the shape needs token ids that are not there, or faiss fails.
pub fn train(
    sample: &Sample,
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Codebook, ClusterError> {
    let engine = options.engine.resolve()?;
    sample.check()?;
    let &Sample { vectors, dim, .. } = sample;
    let centroids = options.centroids.min(sample.len());
    if centroids == 0 {
        return Ok(Codebook::from_groups(dim, Vec::new()));
    }
    let work = |vectors, centroids| engine.work(vectors, centroids, options.iterations);

    let parts = match options.shape {
        Shape::Flat => {
            let meter = Meter::new(work(sample.len(), centroids), progress);
            let problem = Problem::new(vectors, dim, centroids, options.seed, options);
            let trained = solve(engine, &problem, &|done| meter.add(done))?;
            meter.finish();
            vec![(SHARED, trained)]
        }
        Shape::TokenAware => {
            let token_ids = sample.token_ids.ok_or(ClusterError::MissingTokenIds)?;
            let shares = allocate(vectors, dim, token_ids, centroids, options.damping);
            let meter = Meter::new(
                shares
                    .iter()
                    .map(|share| work(share.rows.len(), share.centroids))
                    .sum(),
                progress,
            );
            let one = |share: &Share| {
                let seed = mix(options.seed, u64::from(share.token_id));
                let rows = gather(vectors, dim, &share.rows);
                let problem = Problem::new(&rows, dim, share.centroids, seed, options);
                let trained = solve(engine, &problem, &|done| meter.add(done))?;
                Ok((share.token_id, trained))
            };
            let parts = if engine.concurrent() {
                shares
                    .par_iter()
                    .map(one)
                    .collect::<Result<_, ClusterError>>()?
            } else {
                shares
                    .iter()
                    .map(one)
                    .collect::<Result<_, ClusterError>>()?
            };
            meter.finish();
            parts
        }
    };
    Ok(Codebook::from_groups(dim, parts))
}

/// Adds up the work of problems that run at the same time.
struct Meter<'a> {
    done: AtomicU64,
    total: u64,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Meter<'_> {
    fn new(total: u64, progress: &(dyn Fn(Progress) + Sync)) -> Meter<'_> {
        Meter {
            done: AtomicU64::new(0),
            total,
            progress,
        }
    }

    fn add(&self, work: u64) {
        let done = self.done.fetch_add(work, Ordering::Relaxed) + work;
        (self.progress)(Progress {
            done: done.min(self.total),
            total: self.total,
        });
    }

    fn finish(&self) {
        (self.progress)(Progress {
            done: self.total,
            total: self.total,
        });
    }
}
