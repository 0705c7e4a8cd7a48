//! The faiss backend.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use faiss::MetricType;
use faiss::cluster::{Clustering, ClusteringParameters};
use faiss::index::flat::FlatIndex;

use crate::ClusterError;
use crate::backend::{Backend, Problem, Tick};
use crate::rng::mix;

pub(crate) struct Faiss;

impl Backend for Faiss {
    fn fit(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
        try_threads()?;
        run(problem, tick).map_err(|error| ClusterError::Faiss {
            centroids: problem.centroids,
            vectors: problem.vectors.len() / problem.dim,
            message: error.to_string(),
        })
    }

    // faiss runs its own threads inside one problem.
    fn concurrent(&self) -> bool {
        false
    }
}

fn run(problem: &Problem, tick: &Tick) -> faiss::error::Result<Vec<f32>> {
    let mut parameters = ClusteringParameters::new();
    // Each call of `train` continues from the centroids of the last, so one pass a call is the same
    // algorithm, with progress in between.
    parameters.set_niter(1);
    // faiss replaces a negative seed by the time of day.
    parameters.set_seed((mix(problem.seed, 0) >> 33) as u32);
    // Stops faiss from warning on standard error about few vectors, and from subsampling.
    parameters.set_min_points_per_centroid(1);
    parameters.set_max_points_per_centroid(i32::MAX as u32);

    let mut clustering =
        Clustering::new_with_params(problem.dim as u32, problem.centroids as u32, &parameters)?;
    let mut index = FlatIndex::new(problem.dim as u32, MetricType::L2)?;
    for _ in 0..problem.iterations {
        clustering.train(problem.vectors, &mut index)?;
        let vectors = problem.vectors.len() / problem.dim;
        if tick((vectors * problem.centroids) as u64).is_break() {
            break;
        }
    }
    Ok(clustering.centroids()?.concat())
}

/// Starts and ends as many threads as faiss will need. OpenMP and OpenBLAS abort the process where
/// they cannot start theirs, so this fails first, with an error.
fn try_threads() -> Result<(), ClusterError> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = |variable: &str| {
        let asked = std::env::var(variable).ok();
        // OpenMP takes a list, of which the first number is for outer loops.
        let first = asked.as_deref().and_then(|list| list.split(',').next());
        let first = first.and_then(|n| n.trim().parse().ok());
        first
            .filter(|&n: &usize| n > 0)
            .unwrap_or(cores)
            .min(colidx_threads::MOST)
    };
    let others = |variable| threads(variable) - 1;
    let needed = others("OMP_NUM_THREADS") + others("OPENBLAS_NUM_THREADS");
    let gate = Mutex::new(());
    let wait = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
    thread::scope(|scope| {
        let closed = gate.lock();
        let start = || thread::Builder::new().spawn_scoped(scope, wait);
        let started = (0..needed).try_for_each(|_| start().map(drop));
        drop(closed);
        started.map_err(|source| ClusterError::Threads { needed, source })
    })
}
