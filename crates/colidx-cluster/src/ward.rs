//! Ward's hierarchical clustering of a few points, by the nearest-neighbour chain.
//!
//! Algorithm: F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms",
//! The Computer Journal 26 (1983). It takes n^2 numbers of memory and about as many steps.

/// Divides `points`, `[n, dim]` f32 row-major, into `clusters` clusters by Ward's method: again and
/// again the two clusters are merged whose merging adds least to the sum of squared distances from
/// the clusters' means. Gives the cluster of each point; clusters are numbered by their first
/// points. There are no more clusters than points, and at least one if there is a point.
pub fn ward(points: &[f32], dim: usize, clusters: usize) -> Vec<u32> {
    let count = points.len() / dim.max(1);
    let mut merges = dendrogram(distances(points, dim, count), count);
    // A merge of clusters comes behind those that made them, as it costs no less.
    merges.sort_by(|one, other| one.cost.total_cmp(&other.cost));
    merges.truncate(count - clusters.clamp(1, count.max(1)).min(count));
    label(&merges, count)
}

/// Two points whose clusters are merged.
struct Merge {
    cost: f32,
    points: [usize; 2],
}

/// Squared distances of all pairs, `[count, count]`.
fn distances(points: &[f32], dim: usize, count: usize) -> Vec<f32> {
    let mut distances = vec![0.0; count * count];
    let row = |at: usize| &points[at * dim..][..dim];
    for one in 0..count {
        for other in 0..one {
            let distance = squared_distance(row(one), row(other));
            distances[one * count + other] = distance;
            distances[other * count + one] = distance;
        }
    }
    distances
}

/// In lanes, so that the compiler makes vector instructions of it.
fn squared_distance(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (ones, rest) = one.as_chunks::<LANES>();
    let (others, other_rest) = other.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for (sum, (a, b)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += (a - b) * (a - b);
        }
    }
    let rest = rest.iter().zip(other_rest).map(|(a, b)| (a - b) * (a - b));
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

/// Merges until there is one cluster. A cluster goes by the number of one of its points.
fn dendrogram(mut distances: Vec<f32>, count: usize) -> Vec<Merge> {
    let mut active: Vec<usize> = (0..count).collect();
    let mut sizes = vec![1.0f32; count];
    let mut merges = Vec::with_capacity(count);
    // Each is the nearest of the one before it, and nearer than that one was to the one before.
    let mut chain: Vec<usize> = Vec::new();
    while active.len() > 1 {
        let Some(&last) = chain.last() else {
            chain.push(active[0]);
            continue;
        };
        let row = &distances[last * count..][..count];
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let mut others = active.iter().copied().filter(|&other| other != last);
        // The one before counts first, so that the chain ends where distances are equal.
        let Some(mut nearest) = before.or_else(|| others.next()) else {
            break;
        };
        for other in others {
            if row[other] < row[nearest] {
                nearest = other;
            }
        }
        if before != Some(nearest) {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        merges.push(Merge {
            cost: row[nearest],
            points: [last, nearest],
        });
        active.retain(|&cluster| cluster != last);
        merge(&mut distances, count, &sizes, &active, last, nearest);
        sizes[nearest] += sizes[last];
    }
    merges
}

/// Sets the distances of `to` to those of the cluster that `from` and `to` make.
fn merge(
    distances: &mut [f32],
    count: usize,
    sizes: &[f32],
    active: &[usize],
    from: usize,
    to: usize,
) {
    let apart = distances[from * count + to];
    for &other in active.iter().filter(|&&other| other != to) {
        let size = sizes[other];
        let sum = (size + sizes[from]) * distances[from * count + other]
            + (size + sizes[to]) * distances[to * count + other]
            - size * apart;
        let distance = sum / (size + sizes[from] + sizes[to]);
        distances[to * count + other] = distance;
        distances[other * count + to] = distance;
    }
}

/// The cluster of each point after some merges.
fn label(merges: &[Merge], count: usize) -> Vec<u32> {
    let mut parents: Vec<usize> = (0..count).collect();
    for merge in merges {
        let [one, other] = merge.points.map(|point| root(&mut parents, point));
        // The first point is the root.
        parents[one.max(other)] = one.min(other);
    }
    let mut labels: Vec<u32> = Vec::with_capacity(count);
    let mut next = 0;
    for point in 0..count {
        let root = root(&mut parents, point);
        labels.push(if root == point {
            next += 1;
            next - 1
        } else {
            labels[root]
        });
    }
    labels
}

fn root(parents: &mut [usize], mut point: usize) -> usize {
    while parents[point] != point {
        parents[point] = parents[parents[point]];
        point = parents[point];
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_points_go_together() {
        let points = [0.0, 10.0, 0.2, 10.1, 0.1, 30.0];
        assert_eq!(ward(&points, 1, 3), [0, 1, 0, 1, 0, 2]);
        assert_eq!(ward(&points, 1, 2), [0, 0, 0, 0, 0, 1]);
        assert_eq!(ward(&points, 1, 6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ward(&points, 1, 100), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ward(&points, 1, 0), [0; 6]);
        assert_eq!(ward(&[], 3, 2), [0u32; 0]);
        assert_eq!(ward(&[1.0, 2.0], 2, 1), [0]);
    }

    #[test]
    fn a_large_cluster_is_dearer_to_join_than_a_small_one() {
        // Single linkage would join the last point to the four; Ward's method joins the two apart.
        let points = [0.0, 0.5, 1.0, 1.5, 4.0, 6.9];
        assert_eq!(ward(&points, 1, 2), [0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        for bad in [f32::NAN, f32::INFINITY] {
            let labels = ward(&[1.0, bad, 2.0, bad, 3.0], 1, 2);
            assert_eq!(labels.len(), 5);
        }
    }

    /// Merges the cheapest pair again and again, from the means.
    fn slow(points: &[f32], clusters: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = (0..points.len()).map(|at| vec![at]).collect();
        let mean = |group: &[usize]| {
            group.iter().map(|&at| f64::from(points[at])).sum::<f64>() / group.len() as f64
        };
        let cost = |one: &[usize], other: &[usize]| {
            let (n, m) = (one.len() as f64, other.len() as f64);
            2.0 * n * m / (n + m) * (mean(one) - mean(other)).powi(2)
        };
        while groups.len() > clusters {
            let pairs = (0..groups.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            let cheapest = pairs.min_by(|&(a, b), &(c, d)| {
                cost(&groups[a], &groups[b]).total_cmp(&cost(&groups[c], &groups[d]))
            });
            let (i, j) = cheapest.unwrap();
            let moved = groups.remove(i);
            groups[j].extend(moved);
        }
        groups
    }

    proptest! {
        #[test]
        fn the_chain_finds_what_the_definition_says(
            points in prop::collection::vec(0u32..1_000_000, 1..24), clusters in 1usize..24
        ) {
            // Uneven steps, so that no two merges cost the same.
            let points: Vec<f32> =
                points.iter().enumerate().map(|(at, &p)| p as f32 + at as f32 * 0.37).collect();
            let labels = ward(&points, 1, clusters);
            let within = |labels: &dyn Fn(usize) -> usize, groups: usize| -> f64 {
                (0..groups).map(|group| {
                    let of: Vec<f64> = (0..points.len()).filter(|&at| labels(at) == group)
                        .map(|at| f64::from(points[at])).collect();
                    let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
                    of.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
                }).sum()
            };
            let expected = slow(&points, clusters);
            let group = |at: usize| expected.iter().position(|g| g.contains(&at)).unwrap();
            let got = within(&|at| labels[at] as usize, expected.len());
            let best = within(&group, expected.len());
            prop_assert_eq!(*labels.iter().max().unwrap() as usize + 1, expected.len());
            prop_assert!((got - best).abs() <= 1e-3 * best + 1e-3, "{} {}", got, best);
        }
    }
}
