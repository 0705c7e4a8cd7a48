//! The faiss engine.

use faiss::MetricType;
use faiss::cluster::{Clustering, ClusteringParameters};
use faiss::index::flat::FlatIndex;

use crate::ClusterError;
use crate::engine::{KMeans, Problem, Tick};
use crate::rng::mix;

pub(crate) struct Faiss;

impl KMeans for Faiss {
    fn fit(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
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
    // A call of `train` goes on from the centroids of the call before, so one pass a call is the same algorithm with progress
    // in between.
    parameters.set_niter(1);
    // faiss takes a negative seed as a wish for the time of day.
    parameters.set_seed((mix(problem.seed, 0) >> 33) as u32);
    // Keeps faiss from warning on standard error about few vectors, and from drawing a second sample from the sample.
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
