//! Token-aware codebooks: how many centroids each token gets.
//!
//! After TACHIOM (arXiv 2604.28142): the vectors of each vocabulary id are clustered on their own,
//! so that a codebook takes many small k-means problems instead of one with all centroids. A
//! token's share follows the squared error it would have with a single centroid, damped by an
//! exponent.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::apportion::{Dispersion, apportion};
use crate::builtin::DAMPING;
use crate::{Partition, SHARED};

/// The vectors of one token in one part of the sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub part: usize,
    pub rows: usize,
    pub dispersion: Dispersion,
}

/// A token's rows in a part, and the centroids they get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub rows: usize,
    pub centroids: usize,
}

/// Which tokens are trained on which parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// By part: the tokens trained on its rows. Rows of other tokens are pooled. The last entry is
    /// the pool, for [`SHARED`].
    pub parts: Vec<BTreeMap<u32, Share>>,
    /// By part: its range among all pooled rows.
    pub pooled: Vec<Range<usize>>,
    /// Train on every `stride`-th pooled row, so that the pool is no larger than a part.
    pub stride: usize,
}

impl Plan {
    /// Apportions `centroids`, at least 1, to the tokens of at least one vector, by part. Tokens
    /// that would get less than one centroid are pooled in [`SHARED`], which always gets one, for
    /// tokens that are not in the sample.
    pub(crate) fn new(
        partition: &Partition,
        tokens: BTreeMap<u32, Vec<Piece>>,
        centroids: usize,
        damping: f32,
    ) -> Plan {
        let weight = |pieces: &[Piece]| {
            let dispersions = pieces.iter().map(|piece| &piece.dispersion);
            Dispersion::merged(dispersions).weight(damping)
        };
        let mut own = Vec::new();
        let mut shared = Vec::new();
        let mut pool = Vec::new();
        for (token_id, pieces) in tokens {
            if token_id == SHARED {
                // Rows without token in parts of their own keep them; the others are pooled.
                (shared, pool) = pieces.into_iter().partition(|p| partition.is_cell(p.part));
            } else {
                own.push((token_id, weight(&pieces), pieces));
            }
        }
        let total: f64 = own.iter().map(|(_, weight, _)| weight).sum();
        let deserves = |weight: f64| weight > 0.0 && weight * (centroids - 1) as f64 >= total;
        let (own, rare): (Vec<_>, Vec<_>) = own
            .into_iter()
            .partition(|&(_, weight, _)| deserves(weight));
        pool.extend(rare.into_iter().flat_map(|(_, _, pieces)| pieces));

        let mut plan = Plan {
            parts: vec![BTreeMap::new(); partition.len() + 1],
            pooled: vec![0..0; partition.len()],
            stride: 1,
        };
        let rows = plan.pool(&pool, partition.limit());
        if rows > 0 {
            shared.push(Piece {
                part: partition.len(),
                rows,
                dispersion: Dispersion::merged(pool.iter().map(|piece| &piece.dispersion)),
            });
        }
        let shared_weight = weight(&shared);
        let mut groups = own;
        groups.push((SHARED, shared_weight, shared));
        let set = |(_, weight, pieces): &(u32, f64, Vec<Piece>)| {
            let rows: usize = pieces.iter().map(|piece| piece.rows).sum();
            (*weight, rows.max(1))
        };
        let sets: Vec<(f64, usize)> = groups.iter().map(set).collect();
        for ((token_id, _, pieces), share) in groups.iter().zip(apportion(&sets, centroids)) {
            let sets: Vec<(f64, usize)> = pieces
                .iter()
                .map(|piece| (piece.dispersion.weight(DAMPING), piece.rows))
                .collect();
            for (piece, centroids) in pieces.iter().zip(apportion(&sets, share)) {
                let rows = piece.rows;
                plan.parts[piece.part].insert(*token_id, Share { rows, centroids });
            }
        }
        plan
    }

    /// Tokens trained in several parts, with these parts.
    pub(crate) fn divided(&self) -> BTreeMap<u32, Vec<usize>> {
        let mut divided: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (part, tokens) in self.parts.iter().enumerate() {
            for &token_id in tokens.keys() {
                divided.entry(token_id).or_default().push(part);
            }
        }
        divided.retain(|_, parts| parts.len() > 1);
        divided
    }

    /// Records the pooled rows and returns how many are trained on.
    fn pool(&mut self, pieces: &[Piece], limit: usize) -> usize {
        for piece in pieces {
            self.pooled[piece.part].end += piece.rows;
        }
        let mut before = 0;
        for pooled in &mut self.pooled {
            *pooled = before..before + pooled.end;
            before = pooled.end;
        }
        self.stride = before.div_ceil(limit).max(1);
        before.div_ceil(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainOptions;
    use crate::rng::Rng;
    use crate::rows::Rows;

    /// Rows of the tokens 0, 10, 20 and so on.
    fn rows(counts: &[usize]) -> Rows {
        let mut rng = Rng::new(9);
        let mut rows = Rows::default();
        for (id, &n) in counts.iter().enumerate() {
            for _ in 0..n {
                rows.extend(&[rng.unit() as f32, rng.unit() as f32], &[id as u32 * 10]);
            }
        }
        rows
    }

    /// The pieces of tokens that are all in part 0.
    fn pieces(rows: &Rows) -> BTreeMap<u32, Vec<Piece>> {
        let piece = |(token_id, vectors): (u32, &[f32])| {
            let piece = Piece {
                part: 0,
                rows: vectors.len() / 2,
                dispersion: Dispersion::of(vectors, 2),
            };
            (token_id, vec![piece])
        };
        rows.by_token(2).into_iter().map(piece).collect()
    }

    fn partition(parts: usize, limit: usize) -> Partition {
        let options = TrainOptions {
            part_bytes: limit * 8,
            ..TrainOptions::new(1)
        };
        let (mut first, expected) = (Rows::default(), parts * limit / 4);
        (0..expected.min(100)).for_each(|id| first.extend(&[0.0; 2], &[id as u32]));
        let partition = Partition::new(&first, 2, expected as u64, &options);
        assert_eq!(partition.len(), parts);
        partition
    }

    fn plan(counts: &[usize], centroids: usize, damping: f32) -> Plan {
        let partition = partition(1, 1 << 20);
        Plan::new(&partition, pieces(&rows(counts)), centroids, damping)
    }

    /// Centroids of a token in all parts.
    fn share(plan: &Plan, token_id: u32) -> usize {
        let shares = plan.parts.iter().filter_map(|part| part.get(&token_id));
        shares.map(|share| share.centroids).sum()
    }

    fn given(plan: &Plan) -> usize {
        let shares = plan.parts.iter().flat_map(BTreeMap::values);
        shares.map(|share| share.centroids).sum()
    }

    #[test]
    fn every_centroid_is_given_and_rare_tokens_are_pooled() {
        let plan = plan(&[500, 200, 100, 1, 2, 50, 1], 40, 0.75);
        assert_eq!(given(&plan), 40);
        assert!(share(&plan, 0) > share(&plan, 10));
        assert_eq!(share(&plan, 30), 0, "one row has no error, so it is pooled");
        assert!(share(&plan, SHARED) > 0);
        assert_eq!(plan.pooled[0], 0..4);
    }

    #[test]
    fn damping_moves_centroids_from_frequent_to_rare() {
        let first = |damping| share(&plan(&[1000, 100], 50, damping), 0);
        assert!(first(1.0) > first(0.5) && first(0.5) > first(0.0));
    }

    #[test]
    fn an_empty_pool_leaves_a_centroid_for_unseen_tokens() {
        let plan = plan(&[100, 100], 10, 1.0);
        assert_eq!((given(&plan), plan.parts[1].len()), (9, 0));
    }

    #[test]
    fn no_share_has_more_centroids_than_rows() {
        for centroids in 1..40 {
            let plan = plan(&[3, 4, 5], centroids, 0.5);
            assert!((0..3).all(|id| share(&plan, id * 10) <= 3 + id as usize));
            assert!(given(&plan) <= centroids);
        }
    }

    #[test]
    fn a_token_in_pieces_gets_what_it_gets_whole() {
        let rows = rows(&[300, 200, 3]);
        let whole = Plan::new(&partition(3, 400), pieces(&rows), 30, 0.9);
        let mut tokens = pieces(&rows);
        let cut = |part, range: Range<usize>| Piece {
            part,
            rows: range.len(),
            dispersion: Dispersion::of(&rows.vectors[range.start * 2..range.end * 2], 2),
        };
        tokens.insert(0, vec![cut(1, 0..100), cut(2, 100..300)]);
        let plan = Plan::new(&partition(3, 400), tokens, 30, 0.9);
        for token_id in [0, 10, SHARED] {
            assert_eq!(share(&plan, token_id), share(&whole, token_id));
        }
        assert!(plan.parts[2][&0].centroids > plan.parts[1][&0].centroids);
    }

    #[test]
    fn a_large_pool_is_thinned_to_the_limit() {
        let mut tokens = pieces(&rows(&[300, 200]));
        let vectors = rows(&[300]).vectors;
        for (part, rows) in [(0, 40), (2, 50)] {
            let piece = Piece {
                part,
                rows,
                dispersion: Dispersion::of(&vectors[..rows * 2], 2),
            };
            tokens.entry(SHARED).or_default().push(piece);
        }
        let plan = Plan::new(&partition(3, 40), tokens, 60, 0.9);
        assert_eq!(plan.pooled, [0..40, 40..40, 40..90]);
        assert_eq!(plan.stride, 3);
        let pool = plan.parts[3][&SHARED];
        assert!(pool.rows == 30 && (2..=30).contains(&pool.centroids));
    }
}
