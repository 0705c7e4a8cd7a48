//! The token-aware shape: which token gets how many centroids.
//!
//! After TACHIOM (arXiv 2604.28142): the vectors of one vocabulary id are clustered on their own, so a codebook costs many
//! small k-means problems and not one of all vectors against all centroids. A token's share follows the squared error it
//! would have with a single centroid, damped by an exponent.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::SHARED;
use crate::apportion::{apportion, weight};

/// The rows of one token, and how many centroids they get.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Share {
    pub token_id: u32,
    /// Ascending.
    pub rows: Vec<u32>,
    pub centroids: usize,
}

/// Divides `centroids`, at least 1, over the tokens of at least one vector; the shares come in order of token id. Tokens that
/// would get less than one centroid are pooled in [`SHARED`], which always gets one, for tokens the sample has not seen.
pub(crate) fn allocate(
    vectors: &[f32],
    dim: usize,
    token_ids: &[u32],
    centroids: usize,
    damping: f32,
) -> Vec<Share> {
    let mut tokens: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, &token_id) in token_ids.iter().enumerate() {
        tokens.entry(token_id).or_default().push(row as u32);
    }
    let mut pool = tokens.remove(&SHARED).unwrap_or_default();
    let weight = |rows: &[u32]| weight(vectors, dim, rows, damping);
    let tokens: Vec<(u32, Vec<u32>)> = tokens.into_iter().collect();
    let weights: Vec<f64> = tokens.par_iter().map(|(_, rows)| weight(rows)).collect();
    let total: f64 = weights.iter().sum();

    let mut own = Vec::new();
    let mut sets = Vec::new();
    for ((token_id, rows), weight) in tokens.into_iter().zip(weights) {
        if weight > 0.0 && weight * (centroids - 1) as f64 >= total {
            sets.push((weight, rows.len()));
            own.push((token_id, rows));
        } else {
            pool.extend(rows);
        }
    }
    pool.sort_unstable();
    let pooled = weight(&pool);
    if pool.is_empty() {
        pool = (0..token_ids.len() as u32).collect();
    }
    sets.push((pooled, pool.len()));
    own.push((SHARED, pool));
    own.into_iter()
        .zip(apportion(&sets, centroids))
        .map(|((token_id, rows), centroids)| Share {
            token_id,
            rows,
            centroids,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn sample(counts: &[usize]) -> (Vec<f32>, Vec<u32>) {
        let mut rng = Rng::new(9);
        let ids: Vec<u32> = counts
            .iter()
            .enumerate()
            .flat_map(|(id, &n)| vec![id as u32 * 10; n])
            .collect();
        (
            ids.iter()
                .flat_map(|_| [rng.unit() as f32, rng.unit() as f32])
                .collect(),
            ids,
        )
    }

    #[test]
    fn every_row_is_in_one_share_and_every_centroid_is_given() {
        let (vectors, ids) = sample(&[500, 200, 100, 1, 2, 50, 1]);
        let shares = allocate(&vectors, 2, &ids, 40, 0.75);
        assert_eq!(
            shares.iter().map(|share| share.centroids).sum::<usize>(),
            40
        );
        let mut rows: Vec<u32> = shares.iter().flat_map(|share| share.rows.clone()).collect();
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..ids.len() as u32));
        assert!(shares.is_sorted_by_key(|share| share.token_id));
        assert_eq!(shares.last().unwrap().token_id, SHARED);
        assert!(shares[0].centroids > shares[1].centroids);
        assert!(
            !shares.iter().any(|share| share.token_id == 30),
            "one row has no error, so it is pooled"
        );
    }

    #[test]
    fn damping_moves_centroids_from_frequent_to_rare() {
        let (vectors, ids) = sample(&[1000, 100]);
        let first = |damping| allocate(&vectors, 2, &ids, 50, damping)[0].centroids;
        assert!(first(1.0) > first(0.5) && first(0.5) > first(0.0));
    }

    #[test]
    fn an_empty_pool_still_serves_unseen_tokens() {
        let (vectors, ids) = sample(&[100, 100]);
        let shares = allocate(&vectors, 2, &ids, 10, 1.0);
        assert_eq!(
            shares
                .last()
                .map(|share| (share.token_id, share.centroids, share.rows.len())),
            Some((SHARED, 1, 200))
        );
    }

    #[test]
    fn no_share_has_more_centroids_than_rows() {
        let (vectors, ids) = sample(&[3, 4, 5]);
        for centroids in 1..40 {
            let shares = allocate(&vectors, 2, &ids, centroids, 0.5);
            assert!(
                shares
                    .iter()
                    .all(|share| share.centroids <= share.rows.len())
            );
            assert!(shares.iter().map(|share| share.centroids).sum::<usize>() <= centroids);
        }
    }
}
