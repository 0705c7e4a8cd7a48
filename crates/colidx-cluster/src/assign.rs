//! From vectors to codes: the nearest centroid within the token's group.

use colidx_kernels::{Nearest, Panels};
use rayon::prelude::*;

use crate::Group;
use crate::nearest::{ROWS, nearest, pack};

/// Assigns each vector the nearest centroid, by L2 distance, of those that serve its token.
pub struct Assigner {
    dim: usize,
    groups: Vec<Packed>,
}

struct Packed {
    token_id: u32,
    first: u32,
    panels: Panels,
}

impl Assigner {
    /// Packs `centroids` (`[K, dim]`, row-major) for the kernels. `groups` are those of the [`Codebook`](crate::Codebook), or
    /// a single one of [`SHARED`](crate::SHARED) for centroids that serve every token.
    ///
    /// # Panics
    /// If a group reaches past the centroids; check groups that come from a file.
    pub fn new(dim: usize, centroids: &[f32], groups: &[Group]) -> Assigner {
        let groups = groups
            .par_iter()
            .map(|group| {
                let range = group.range();
                let panels = pack(&centroids[range.start * dim..range.end * dim], dim);
                Packed {
                    token_id: group.token_id,
                    first: group.first,
                    panels,
                }
            })
            .collect();
        Assigner { dim, groups }
    }

    /// Replaces `out` with one centroid number for each of `vectors` (`[n, dim]`, row-major). Ties go to the lower number;
    /// the answer depends on no thread count. A token without a group of its own is served by the shared
    /// group; without
    /// `token_ids` every vector gets the nearest of all centroids.
    ///
    /// # Panics
    /// If there are vectors but no centroids, or not one token id a vector.
    pub fn assign(&self, vectors: &[f32], token_ids: Option<&[u32]>, out: &mut Vec<u32>) {
        let n = vectors.len() / self.dim.max(1);
        out.clear();
        out.resize(n, 0);
        if n == 0 {
            return;
        }
        assert!(
            !self.groups.is_empty(),
            "a codebook without centroids cannot assign {n} vectors"
        );
        match token_ids {
            Some(ids) if self.groups.len() > 1 => {
                assert_eq!(ids.len(), n, "expected one token id a vector");
                self.assign_by_token(vectors, ids, out);
            }
            _ => self.assign_to_any(vectors, out),
        }
    }

    fn assign_to_any(&self, vectors: &[f32], out: &mut [u32]) {
        let mut best = vec![f32::NEG_INFINITY; out.len()];
        for group in &self.groups {
            for ((found, best), code) in nearest(vectors, &group.panels)
                .iter()
                .zip(&mut best)
                .zip(&mut *out)
            {
                if found.score > *best {
                    (*best, *code) = (found.score, group.first + found.index);
                }
            }
        }
    }

    fn assign_by_token(&self, vectors: &[f32], token_ids: &[u32], out: &mut [u32]) {
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); self.groups.len()];
        for (row, &token_id) in token_ids.iter().enumerate() {
            rows_of[self.group_of(token_id)].push(row as u32);
        }
        let tasks: Vec<(&Packed, &[u32])> = self
            .groups
            .iter()
            .zip(&rows_of)
            .flat_map(|(group, rows)| rows.chunks(ROWS).map(move |rows| (group, rows)))
            .collect();
        let found: Vec<Vec<Nearest>> = tasks
            .par_iter()
            .map(|(group, rows)| self.assign_rows(vectors, group, rows))
            .collect();
        for ((group, rows), found) in tasks.iter().zip(&found) {
            for (&row, found) in rows.iter().zip(found) {
                out[row as usize] = group.first + found.index;
            }
        }
    }

    fn assign_rows(&self, vectors: &[f32], group: &Packed, rows: &[u32]) -> Vec<Nearest> {
        let mut found = vec![
            Nearest {
                index: 0,
                score: f32::NEG_INFINITY
            };
            rows.len()
        ];
        if group.panels.columns() > 1 {
            let gathered = gather(vectors, self.dim, rows);
            colidx_kernels::nearest(&gathered, &group.panels, &mut found);
        }
        found
    }

    /// The token's own group, or the shared one, which sorts last.
    fn group_of(&self, token_id: u32) -> usize {
        let last = self.groups.len() - 1;
        self.groups
            .binary_search_by_key(&token_id, |group| group.token_id)
            .unwrap_or(last)
    }
}

/// The rows named, as one buffer.
pub(crate) fn gather(vectors: &[f32], dim: usize, rows: &[u32]) -> Vec<f32> {
    let mut gathered = Vec::with_capacity(rows.len() * dim);
    for &row in rows {
        gathered.extend_from_slice(&vectors[row as usize * dim..(row as usize + 1) * dim]);
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SHARED;

    const GROUPS: [Group; 2] = [
        Group {
            token_id: 7,
            first: 0,
            len: 2,
        },
        Group {
            token_id: SHARED,
            first: 2,
            len: 1,
        },
    ];

    #[test]
    fn the_token_decides_which_centroids_are_compared() {
        let assigner = Assigner::new(1, &[0.0, 1.0, 10.0], &GROUPS);
        let mut codes = vec![9; 9];
        assigner.assign(&[0.9, 0.9, 9.0, 0.1], Some(&[7, 8, 7, 7]), &mut codes);
        assert_eq!(codes, [1, 2, 1, 0]);
        assigner.assign(&[0.9, 0.9, 9.0, 0.1], None, &mut codes);
        assert_eq!(codes, [1, 1, 2, 0]);
        assigner.assign(&[], Some(&[]), &mut codes);
        assert!(codes.is_empty());
    }

    #[test]
    fn ties_go_to_the_lower_number() {
        let assigner = Assigner::new(1, &[1.0, -1.0, 1.0], &GROUPS);
        let mut codes = Vec::new();
        assigner.assign(&[0.0, 1.0], None, &mut codes);
        assert_eq!(codes, [0, 0]);
        assigner.assign(&[0.0], Some(&[7]), &mut codes);
        assert_eq!(codes, [0]);
    }
}
