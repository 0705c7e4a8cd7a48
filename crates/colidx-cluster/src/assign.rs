//! Assigns vectors to centroids: the nearest within the token's group.

use colidx_kernels::Nearest;

use crate::Group;
use crate::lookup::Lookup;
use crate::nearest::NOWHERE;

/// Token ids below this are looked up in a table. Real vocabularies are smaller.
const TABLE: usize = 1 << 20;

/// Assigns each vector the nearest centroid, by L2 distance, of those that serve its token. Above
/// some hundreds of centroids only the few cells nearest to the vector are searched, and the result
/// may be a centroid about as near: `docs/lab/2026-11-27-codebook.md` has how often.
pub struct Assigner {
    dim: usize,
    token_ids: Vec<u32>,
    /// The group of each token id from 0.
    table: Vec<u32>,
    lookup: Lookup,
}

impl Assigner {
    /// Lays out `centroids` (`[K, dim]`, row-major) for the kernels. `groups` are those of the
    /// [`Codebook`](crate::Codebook), or a single group of [`SHARED`](crate::SHARED) for centroids
    /// that serve every token.
    ///
    /// # Panics
    /// If a group reaches past the centroids; check groups that come from a file.
    pub fn new(dim: usize, centroids: &[f32], groups: &[Group]) -> Assigner {
        let token_ids: Vec<u32> = groups.iter().map(|group| group.token_id).collect();
        let end = token_ids.iter().rfind(|&&id| (id as usize) < TABLE);
        let mut table =
            vec![token_ids.len().saturating_sub(1) as u32; end.map_or(0, |&id| id as usize + 1)];
        for (group, &token_id) in token_ids.iter().enumerate() {
            if let Some(entry) = table.get_mut(token_id as usize) {
                *entry = group as u32;
            }
        }
        let ranges: Vec<_> = groups.iter().map(Group::range).collect();
        Assigner {
            dim,
            token_ids,
            table,
            lookup: Lookup::new(dim, centroids, &ranges),
        }
    }

    /// Replaces `out` with one centroid number for each of `vectors` (`[n, dim]`, row-major). Ties
    /// go to the lower number, and a vector's result depends on that vector alone. A token without
    /// a group of its own uses the shared group; without `token_ids` every vector gets the nearest
    /// of all centroids. Returns the number of comparisons, with centroids and with cell centres.
    ///
    /// # Panics
    /// If there are vectors but no centroids, or the number of token ids is not that of vectors.
    pub fn assign(&self, vectors: &[f32], token_ids: Option<&[u32]>, out: &mut Vec<u32>) -> u64 {
        let n = vectors.len() / self.dim.max(1);
        out.clear();
        if n == 0 {
            return 0;
        }
        assert!(
            !self.token_ids.is_empty(),
            "a codebook without centroids cannot assign {n} vectors"
        );
        let mut found = vec![NOWHERE; n];
        let comparisons = match token_ids {
            Some(ids) if self.token_ids.len() > 1 => {
                assert_eq!(ids.len(), n, "expected one token id a vector");
                let group_of = |row: usize| self.group_of(ids[row]);
                self.lookup.nearest(vectors, &group_of, &mut found)
            }
            _ => self.nearest_of_any(vectors, &mut found),
        };
        out.extend(found.iter().map(|found| found.index));
        comparisons
    }

    fn nearest_of_any(&self, vectors: &[f32], found: &mut [Nearest]) -> u64 {
        let mut comparisons = self.lookup.nearest(vectors, &|_| 0, found);
        let mut other = found.to_vec();
        for group in 1..self.token_ids.len() {
            comparisons += self.lookup.nearest(vectors, &|_| group, &mut other);
            for (found, other) in found.iter_mut().zip(&other) {
                if other.score > found.score {
                    *found = *other;
                }
            }
        }
        comparisons
    }

    /// The token's own group, or the shared one, which is last.
    fn group_of(&self, token_id: u32) -> usize {
        let last = self.token_ids.len() - 1;
        match self.table.get(token_id as usize) {
            Some(&group) => group as usize,
            None => self.token_ids.binary_search(&token_id).unwrap_or(last),
        }
    }
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
