//! Query-token pooling: tokens that lie close together count as one where candidates are found.
//!
//! A ColBERT query is filled up to a fixed length with mask tokens, whose vectors repeat those of
//! the words that matter. Documents near one of them are near the others too, so their mean finds
//! these for all of them, at a fraction of the cost.

use super::tuning::POOL_COSINE;

/// Clusters of query tokens that lie close together.
#[derive(Debug, Clone)]
pub(super) struct PooledTokens {
    /// `[clusters, dim]`: the mean of each.
    vectors: Vec<f32>,
    /// By cluster: the number of its query tokens.
    weights: Vec<u32>,
    /// By query token: its cluster.
    clusters: Vec<usize>,
}

impl PooledTokens {
    /// Pools `[n_tokens, dim]`: each token joins the first cluster whose first token is near enough.
    pub(super) fn new(tokens: &[f32], dim: usize) -> Self {
        let mut firsts: Vec<(&[f32], f32)> = Vec::new();
        let (mut vectors, mut weights, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
        for token in tokens.chunks_exact(dim) {
            let length = dot(token, token).sqrt();
            let near =
                |&(first, its): &(&[f32], f32)| dot(first, token) >= POOL_COSINE * its * length;
            let cluster = firsts.iter().position(near).unwrap_or(firsts.len());
            if cluster == firsts.len() {
                firsts.push((token, length));
                vectors.resize(vectors.len() + dim, 0.0);
                weights.push(0);
            }
            clusters.push(cluster);
            weights[cluster] += 1;
            let sum = vectors[cluster * dim..].iter_mut();
            sum.zip(token).for_each(|(sum, x)| *sum += x);
        }
        for (sum, &weight) in vectors.chunks_exact_mut(dim).zip(&weights) {
            sum.iter_mut().for_each(|x| *x /= weight as f32);
        }
        Self {
            vectors,
            weights,
            clusters,
        }
    }

    /// The means of the clusters, `[clusters, dim]`.
    pub(super) fn means(&self) -> &[f32] {
        &self.vectors
    }

    /// The number of query tokens in each cluster.
    pub(super) fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The cluster of each query token.
    pub(super) fn clusters(&self) -> &[usize] {
        &self.clusters
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_tokens_are_pooled_and_others_stay() {
        let tokens = [2.0, 0.0, 0.0, 1.0, 4.0, 0.4, 0.0, -1.0];
        let pooled = PooledTokens::new(&tokens, 2);
        assert_eq!(pooled.clusters(), [0, 1, 0, 2]);
        assert_eq!(pooled.weights(), [2, 1, 1]);
        assert_eq!(pooled.means(), [3.0, 0.2, 0.0, 1.0, 0.0, -1.0]);
    }

    #[test]
    fn tokens_of_no_length_are_pooled() {
        let pooled = PooledTokens::new(&[0.0; 6], 3);
        assert_eq!(pooled.weights(), [2]);
        assert_eq!(pooled.means(), [0.0; 3]);
    }
}
