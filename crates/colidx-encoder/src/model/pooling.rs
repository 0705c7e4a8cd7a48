//! Pooling of token vectors: similar vectors are replaced by their mean.

/// Hierarchical pooling as in sentence-transformers: Ward clustering (Ward, 1963) of cosine
/// distances, cut at the number of clusters given by the factor. Each cluster becomes the mean of
/// its vectors. The first vectors may be protected.
#[derive(Clone, Debug)]
pub(crate) struct TokenPooling {
    /// Vectors per cluster.
    pub(crate) factor: f64,
    /// Number of vectors at the beginning that are not pooled.
    pub(crate) protected: usize,
    /// Whether vectors are scaled to length one at the end.
    pub(crate) normalize: bool,
    pub(crate) queries: bool,
    pub(crate) documents: bool,
}

impl TokenPooling {
    /// Longest text in tokens: memory is quadratic in it.
    pub(crate) const MAX_TOKENS: usize = 8192;

    /// Pools `vectors`, `[n, dim]`. Returns the pooled vectors, and for each the index of the first
    /// vector that it replaces.
    pub(crate) fn pool(&self, vectors: Vec<f32>, dim: usize) -> (Vec<f32>, Vec<usize>) {
        let n = vectors.len() / dim;
        let protected = self.protected.min(n);
        let pooled = n - protected;
        let clusters = ((pooled as f64 / self.factor).floor() as usize).max(1);
        let (mut left, mut firsts) = (vectors, (0..n).collect::<Vec<_>>());
        if clusters < pooled {
            let rest = left.split_off(protected * dim);
            firsts.truncate(protected);
            for members in cluster(&rest, dim, clusters) {
                firsts.push(protected + members[0]);
                let mut sum = vec![0f32; dim];
                for member in &members {
                    let vector = &rest[member * dim..][..dim];
                    sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
                }
                left.extend(sum.iter().map(|sum| sum / members.len() as f32));
            }
        }
        if self.normalize {
            left.chunks_exact_mut(dim).for_each(crate::ops::normalize);
        }
        (left, firsts)
    }
}

/// A merge of two clusters, the smaller id first, and their distance. Vectors have the ids from 0,
/// clusters those that follow, in the order of their distances.
struct Merge {
    parts: [usize; 2],
    distance: f64,
}

/// Splits `vectors` into at most `most` clusters and returns the members of each, ascending.
/// Clusters come in the order of a depth-first walk of the tree: merged parts before single
/// vectors, then the smaller id first.
fn cluster(vectors: &[f32], dim: usize, most: usize) -> Vec<Vec<usize>> {
    let n = vectors.len() / dim;
    let merges = linkage(vectors, dim);
    // This many merges leave `most` clusters. Others at the same distance are made as well.
    let cut = merges[n - most - 1].distance;
    let mut clusters = Vec::new();
    let mut stack = vec![(2 * n - 2, None)];
    while let Some((node, inside)) = stack.pop() {
        let Some(merge) = node.checked_sub(n).map(|merge| &merges[merge]) else {
            let position = inside.unwrap_or(clusters.len());
            clusters.resize_with(clusters.len().max(position + 1), Vec::new);
            clusters[position].push(node);
            continue;
        };
        let mut inside = inside;
        if inside.is_none() && merge.distance <= cut {
            inside = Some(clusters.len());
            clusters.push(Vec::new());
        }
        let [one, other] = merge.parts;
        let (single, whole): (Vec<usize>, Vec<usize>) =
            [one, other].iter().partition(|&&part| part < n);
        // The last one pushed is visited first.
        stack.extend(single.into_iter().rev().map(|part| (part, inside)));
        stack.extend(whole.into_iter().rev().map(|part| (part, inside)));
    }
    for members in &mut clusters {
        members.sort_unstable();
    }
    clusters
}

/// The merges of the nearest-neighbour chain (Murtagh, 1983), in ascending order of distance.
fn linkage(vectors: &[f32], dim: usize) -> Vec<Merge> {
    let n = vectors.len() / dim;
    let mut distances = DistanceMatrix::new(n);
    for i in 0..n {
        for j in i + 1..n {
            let dot: f32 = (vectors[i * dim..][..dim].iter())
                .zip(&vectors[j * dim..][..dim])
                .map(|(a, b)| a * b)
                .sum();
            distances.set(i, j, f64::from((1.0 - dot).clamp(0.0, 2.0)));
        }
    }
    let mut sizes = vec![1usize; n];
    let mut chain: Vec<usize> = Vec::with_capacity(n);
    let mut merges = Vec::with_capacity(n.saturating_sub(1));
    while merges.len() + 1 < n {
        if chain.is_empty() {
            chain.extend(sizes.iter().position(|&size| size > 0));
        }
        // Follow nearest neighbours until two clusters are each other's.
        let (x, y, distance) = loop {
            let x = chain[chain.len() - 1];
            let before = chain.len().checked_sub(2).map(|at| chain[at]);
            let mut nearest = before.map_or((x, f64::INFINITY), |y| (y, distances.get(x, y)));
            for other in (0..n).filter(|&other| sizes[other] > 0 && other != x) {
                let distance = distances.get(x, other);
                if distance < nearest.1 {
                    nearest = (other, distance);
                }
            }
            if before == Some(nearest.0) {
                break (x.min(nearest.0), x.max(nearest.0), nearest.1);
            }
            if nearest.0 == x {
                // Reached only if distances are NaN.
                let other = (0..n).find(|&other| sizes[other] > 0 && other != x);
                let other = other.unwrap_or(x);
                chain.push(other);
                break (x.min(other), x.max(other), f64::INFINITY);
            }
            chain.push(nearest.0);
        };
        chain.truncate(chain.len() - 2);
        let (in_x, in_y) = (sizes[x], sizes[y]);
        (sizes[x], sizes[y]) = (0, in_x + in_y);
        for other in (0..n).filter(|&other| other != y) {
            let in_other = sizes[other];
            if in_other == 0 {
                continue;
            }
            let (to_x, to_y) = (distances.get(other, x), distances.get(other, y));
            let share = 1.0 / (in_x + in_y + in_other) as f64;
            let squared = (in_other + in_x) as f64 * share * to_x * to_x
                + (in_other + in_y) as f64 * share * to_y * to_y
                - in_other as f64 * share * distance * distance;
            distances.set(other, y, squared.sqrt());
        }
        merges.push(Merge {
            parts: [x, y],
            distance,
        });
    }
    merges.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    relabel(&mut merges, n);
    merges
}

/// Replaces the vectors that stand for clusters by the ids of the clusters.
fn relabel(merges: &mut [Merge], n: usize) {
    let mut parents: Vec<usize> = (0..2 * n).collect();
    let root = |parents: &[usize], mut node: usize| {
        while parents[node] != node {
            node = parents[node];
        }
        node
    };
    for (merge, cluster) in merges.iter_mut().zip(n..) {
        let mut parts = merge.parts.map(|part| {
            let top = root(&parents, part);
            parents[part] = top;
            top
        });
        parts.sort_unstable();
        parts.into_iter().for_each(|part| parents[part] = cluster);
        merge.parts = parts;
    }
}

/// A symmetric matrix without its diagonal.
struct DistanceMatrix {
    n: usize,
    values: Vec<f64>,
}

impl DistanceMatrix {
    fn new(n: usize) -> DistanceMatrix {
        DistanceMatrix {
            n,
            values: vec![0.0; n * n.saturating_sub(1) / 2],
        }
    }

    fn at(&self, i: usize, j: usize) -> usize {
        let (i, j) = (i.min(j), i.max(j));
        self.n * i - i * (i + 1) / 2 + j - i - 1
    }

    fn get(&self, i: usize, j: usize) -> f64 {
        self.values[self.at(i, j)]
    }

    fn set(&mut self, i: usize, j: usize, value: f64) {
        let at = self.at(i, j);
        self.values[at] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooling(factor: f64) -> TokenPooling {
        TokenPooling {
            factor,
            protected: 1,
            normalize: false,
            queries: false,
            documents: true,
        }
    }

    /// Unit vectors at these angles.
    fn at(angles: &[f32]) -> Vec<f32> {
        angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect()
    }

    #[test]
    fn similar_vectors_become_their_mean() {
        let vectors = at(&[3.0, 0.0, 1.5, 0.1, 1.6]);
        let (left, firsts) = pooling(2.0).pool(vectors.clone(), 2);
        assert_eq!(
            left.len(),
            3 * 2,
            "the first one and half of the four others"
        );
        assert_eq!((firsts[0], &left[..2]), (0, &vectors[..2]));
        let mut others = firsts[1..].to_vec();
        others.sort_unstable();
        assert_eq!(others, [1, 2]);
        for (first, mean) in firsts[1..].iter().zip(left[2..].chunks(2)) {
            let pair = [&vectors[first * 2..][..2], &vectors[(first + 2) * 2..][..2]];
            assert!((mean[0] - (pair[0][0] + pair[1][0]) / 2.0).abs() < 1e-6);
        }
    }

    #[test]
    fn few_vectors_are_not_pooled() {
        for angles in [&[][..], &[1.0], &[1.0, 2.0]] {
            let (left, firsts) = pooling(1.0).pool(at(angles), 2);
            assert_eq!((left, firsts.len()), (at(angles), angles.len()));
        }
        let (left, _) = pooling(9.0).pool(at(&[0.0, 1.0, 1.0]), 2);
        assert_eq!(left.len(), 2 * 2, "one cluster is left at least");
    }

    #[test]
    fn pooling_ends_for_equal_vectors_and_nan() {
        let (left, _) = pooling(2.0).pool([1.0, 0.0].repeat(20), 2);
        assert_eq!(left.len(), 2 * 2, "all distances are the same");
        let (left, firsts) = pooling(3.0).pool(vec![f32::NAN; 40], 2);
        assert_eq!(left.len(), firsts.len() * 2);
    }
}
