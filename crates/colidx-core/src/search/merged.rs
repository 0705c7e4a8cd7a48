//! Query tokens that lie close together, taken as one where only candidates are looked for.
//!
//! A ColBERT query is filled up to a fixed length with mask tokens, whose vectors repeat those of the words that matter. What is
//! near one of them is near the others, so their mean finds it for all of them: of the 32 tokens of a real model's query some
//! 14 means are left (`docs/search.md`).

use super::tuning::POOL_COSINE;

/// Means of query tokens that lie close together.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    /// `[means, dim]`.
    vectors: Vec<f32>,
    /// By mean: how many query tokens it stands for.
    weights: Vec<u32>,
    /// By query token: its mean.
    means: Vec<usize>,
}

impl Merged {
    /// Takes `[n_tokens, dim]`: each joins the first group whose first token is near enough.
    pub(super) fn new(tokens: &[f32], dim: usize) -> Self {
        let mut firsts: Vec<(&[f32], f32)> = Vec::new();
        let (mut vectors, mut weights, mut means) = (Vec::new(), Vec::new(), Vec::new());
        for token in tokens.chunks_exact(dim) {
            let length = dot(token, token).sqrt();
            let near =
                |&(first, its): &(&[f32], f32)| dot(first, token) >= POOL_COSINE * its * length;
            let mean = firsts.iter().position(near).unwrap_or(firsts.len());
            if mean == firsts.len() {
                firsts.push((token, length));
                vectors.resize(vectors.len() + dim, 0.0);
                weights.push(0);
            }
            means.push(mean);
            weights[mean] += 1;
            let sum = vectors[mean * dim..].iter_mut();
            sum.zip(token).for_each(|(sum, x)| *sum += x);
        }
        for (sum, &weight) in vectors.chunks_exact_mut(dim).zip(&weights) {
            sum.iter_mut().for_each(|x| *x /= weight as f32);
        }
        Self {
            vectors,
            weights,
            means,
        }
    }

    /// The means, `[means, dim]`.
    pub(super) fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// How many query tokens each mean stands for.
    pub(super) fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The mean that stands for each query token.
    pub(super) fn means(&self) -> &[usize] {
        &self.means
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_tokens_become_their_mean_and_others_stay() {
        let tokens = [2.0, 0.0, 0.0, 1.0, 4.0, 0.4, 0.0, -1.0];
        let merged = Merged::new(&tokens, 2);
        assert_eq!(merged.means(), [0, 1, 0, 2]);
        assert_eq!(merged.weights(), [2, 1, 1]);
        assert_eq!(merged.vectors(), [3.0, 0.2, 0.0, 1.0, 0.0, -1.0]);
    }

    #[test]
    fn tokens_of_no_length_are_one() {
        let merged = Merged::new(&[0.0; 6], 3);
        assert_eq!(merged.weights(), [2]);
        assert_eq!(merged.vectors(), [0.0; 3]);
    }
}
