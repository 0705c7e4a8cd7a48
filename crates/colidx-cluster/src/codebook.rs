//! A trained codebook: the centroids, and which of them serve which token.

use std::ops::Range;

/// The group of every token that has no centroids of its own. A flat codebook has only this group.
pub const SHARED: u32 = u32::MAX;

/// The centroids that serve one vocabulary id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The vocabulary id, or [`SHARED`].
    pub token_id: u32,
    /// The group's first centroid.
    pub first: u32,
    /// How many centroids the group has, at least 1.
    pub len: u32,
}

impl Group {
    /// The group's centroids, as row numbers of [`Codebook::centroids`].
    pub fn range(&self) -> Range<usize> {
        self.first as usize..self.first as usize + self.len as usize
    }
}

/// The result of [`train`](fn@crate::train).
#[derive(Debug, Clone, PartialEq)]
pub struct Codebook {
    /// Values in a vector.
    pub dim: usize,
    /// `[K, dim]`, row-major. Means of unit vectors, so shorter than 1.
    pub centroids: Vec<f32>,
    /// Sorted by token id, a partition of `0..K` in order; [`SHARED`] comes last and is always
    /// there, unless `K` is 0.
    pub groups: Vec<Group>,
}

impl Codebook {
    /// `K`, the number of centroids.
    pub fn len(&self) -> usize {
        self.groups.last().map_or(0, |group| group.range().end)
    }

    /// Whether there are no centroids, which is so after training on no vectors.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn from_groups(dim: usize, parts: Vec<(u32, Vec<f32>)>) -> Codebook {
        let mut codebook = Codebook {
            dim,
            centroids: Vec::new(),
            groups: Vec::new(),
        };
        for (token_id, centroids) in parts {
            let (first, len) = (codebook.len() as u32, (centroids.len() / dim) as u32);
            if len > 0 {
                codebook.groups.push(Group {
                    token_id,
                    first,
                    len,
                });
                codebook.centroids.extend(centroids);
            }
        }
        codebook
    }
}
