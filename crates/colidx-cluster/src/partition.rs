//! Partitions a sample into parts that fit in memory, while it is drawn.
//!
//! A part holds all rows of many tokens where possible. A token too frequent for one part, or the
//! whole sample where tokens are unknown, is partitioned into coarse cells of vectors near each
//! other, as k-means with many centroids would partition it anyway. Frequencies and cells are
//! learned from the first rows.

use std::collections::HashMap;

use colidx_kernels::Panels;

use crate::cells::{LARGE, cells};
use crate::nearest::{nearest, pack};
use crate::rng::mix;
use crate::rows::{Rows, gather, gather_into, order};
use crate::{SHARED, TrainOptions};

/// The part of each row of a sample.
///
/// It depends only on the first rows, the expected number of rows and the options, never on the
/// available memory; so neither does the codebook.
#[derive(Debug)]
pub struct Partition {
    dim: usize,
    /// Maximum rows of a part.
    limit: usize,
    /// The first `whole` parts hold whole tokens: a token is in the part listed in `named`, or else
    /// in the one its id hashes to.
    whole: usize,
    named: HashMap<u32, u32>,
    /// Tokens with parts of their own, one per cell.
    divided: Vec<Divided>,
    /// Rows assigned to each part, kept or not.
    came: Vec<u64>,
}

#[derive(Debug)]
struct Divided {
    token_id: u32,
    /// The part of the first cell.
    first: u32,
    centres: Panels,
}

impl Partition {
    /// Learns from `first`, the first rows of the sample, how to partition `expected` rows of `dim`
    /// values.
    pub fn new(first: &Rows, dim: usize, expected: u64, options: &TrainOptions) -> Partition {
        let limit = (options.part_bytes / (dim.max(1) * size_of::<f32>())).max(1);
        let rows = first.vectors.len() / dim.max(1);
        let scale = expected.max(rows as u64) as f64 / rows.max(1) as f64;
        let mut partition = Partition {
            dim,
            limit,
            whole: 1,
            named: HashMap::new(),
            divided: Vec::new(),
            came: Vec::new(),
        };
        // Cells average a quarter of the limit, so that the largest stay within it.
        let parts = |rows: f64| (rows * LARGE as f64 / limit as f64).ceil().max(1.0) as usize;
        let ids = &first.token_ids;
        let order = match ids.is_empty() {
            true => (0..rows as u32).collect(),
            false => order(ids),
        };
        let id = |&row: &u32| ids.get(row as usize).copied().unwrap_or(SHARED);
        let mut frequent = Vec::new();
        let mut others: Vec<(u32, usize)> = Vec::new();
        for rows in order.chunk_by(|a, b| id(a) == id(b)) {
            if rows.len() as f64 * scale > limit as f64 / 2.0 {
                frequent.push((id(&rows[0]), rows));
            } else {
                others.push((id(&rows[0]), rows.len()));
            }
        }
        let left: usize = others.iter().map(|&(_, rows)| rows).sum();
        partition.whole = parts(left as f64 * scale);
        partition.name(others);
        let mut next = partition.whole;
        for (token_id, rows) in frequent {
            let own = gather(&first.vectors, dim, rows);
            let seed = mix(options.seed, !u64::from(token_id));
            let centres = cells(&own, dim, parts(rows.len() as f64 * scale), seed).centres;
            partition.divided.push(Divided {
                token_id,
                first: next as u32,
                centres: pack(&centres, dim),
            });
            next += centres.len() / dim;
        }
        partition.came = vec![0; next];
        partition
    }

    /// Assigns tokens, the most frequent first, each to the part with the fewest rows.
    fn name(&mut self, mut tokens: Vec<(u32, usize)>) {
        tokens.sort_by_key(|&(token_id, rows)| (std::cmp::Reverse(rows), token_id));
        let mut sizes = vec![0; self.whole];
        for (token_id, rows) in tokens {
            let part = (0..self.whole).min_by_key(|&part| sizes[part]);
            let part = part.unwrap_or_default();
            sizes[part] += rows;
            self.named.insert(token_id, part as u32);
        }
    }

    /// Number of parts.
    pub fn len(&self) -> usize {
        self.came.len()
    }

    /// Whether there are no parts; there is always one.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Whether a part is one cell of the rows of one token.
    pub(crate) fn is_cell(&self, part: usize) -> bool {
        part >= self.whole
    }

    /// Maximum rows of a part.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Sets `parts` to the part of each row of `vectors` and `token_ids` (which may be empty), or
    /// `None` for a row that its part has no room for: such a part was underestimated, and trains
    /// on the rows it has, which come in random order.
    pub fn assign(&mut self, vectors: &[f32], token_ids: &[u32], parts: &mut Vec<Option<u32>>) {
        let n = vectors.len() / self.dim.max(1);
        let mut labels: Vec<u32> = Vec::with_capacity(n);
        let mut dividing = vec![Vec::new(); self.divided.len()];
        for row in 0..n {
            let token_id = token_ids.get(row).copied().unwrap_or(SHARED);
            labels.push(match self.named.get(&token_id) {
                Some(&part) => part,
                None => (mix(0, token_id.into()) % self.whole as u64) as u32,
            });
            let divided = self.divided.binary_search_by_key(&token_id, |d| d.token_id);
            if let Ok(at) = divided {
                dividing[at].push(row as u32);
            }
        }
        let mut own = Vec::new();
        for (divided, list) in self.divided.iter().zip(&dividing) {
            gather_into(&mut own, vectors, self.dim, list.iter().copied());
            for (&row, cell) in list.iter().zip(nearest(&own, &divided.centres)) {
                labels[row as usize] = divided.first + cell.index;
            }
        }
        parts.clear();
        parts.extend(labels.into_iter().map(|part| {
            let came = &mut self.came[part as usize];
            *came += 1;
            (*came <= self.limit as u64).then_some(part)
        }));
    }

    /// Rows that a part has.
    pub fn rows(&self, part: usize) -> usize {
        self.came[part].min(self.limit as u64) as usize
    }

    /// How many rows each row of a part stands for.
    pub(crate) fn factor(&self, part: usize) -> f64 {
        self.came[part].max(1) as f64 / self.rows(part).max(1) as f64
    }

    /// Rows of all parts.
    pub(crate) fn total(&self) -> usize {
        (0..self.len()).map(|part| self.rows(part)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use std::collections::BTreeSet;

    fn sample(n: usize, tokens: usize) -> Rows {
        let mut rng = Rng::new(n as u64);
        let mut rows = Rows::default();
        for _ in 0..n {
            let token_id = rng.below(tokens).min(rng.below(tokens)) as u32;
            let vector = [rng.unit() as f32, rng.unit() as f32 + token_id as f32];
            rows.extend(&vector, &[token_id]);
        }
        rows
    }

    fn options(rows: usize) -> TrainOptions {
        TrainOptions {
            part_bytes: rows * 2 * 4,
            ..TrainOptions::new(1)
        }
    }

    fn first(rows: &Rows, n: usize) -> Rows {
        let mut first = Rows::default();
        let ids = rows.token_ids.get(..n).unwrap_or_default();
        first.extend(&rows.vectors[..n * 2], ids);
        first
    }

    /// Parts of all rows, assigned in pieces.
    fn divide(partition: &mut Partition, rows: &Rows, piece: usize) -> Vec<Option<u32>> {
        let (mut all, mut parts) = (Vec::new(), Vec::new());
        let n = rows.vectors.len() / 2;
        for start in (0..n).step_by(piece) {
            let end = n.min(start + piece);
            let ids = rows.token_ids.get(start..end).unwrap_or_default();
            partition.assign(&rows.vectors[start * 2..end * 2], ids, &mut parts);
            all.extend_from_slice(&parts);
        }
        all
    }

    #[test]
    fn rare_tokens_stay_whole_and_frequent_ones_are_divided() {
        let rows = sample(20_000, 40);
        let new = || Partition::new(&first(&rows, 2000), 2, 20_000, &options(1000));
        let mut partition = new();
        let parts = divide(&mut partition, &rows, 700);
        assert_eq!(parts, divide(&mut new(), &rows, 20_000));
        assert!(partition.divided.len() > 3 && partition.whole > 3);
        let kept = parts.iter().flatten().count();
        assert_eq!(kept, partition.total());
        assert!(kept > 19_900, "{kept}");
        let mut of_token = vec![BTreeSet::<u32>::new(); 40];
        for (&token_id, part) in rows.token_ids.iter().zip(&parts) {
            of_token[token_id as usize].extend(part);
        }
        for (token_id, parts) in (0u32..).zip(&of_token) {
            let divided = partition.divided.iter().any(|d| d.token_id == token_id);
            assert_eq!(parts.len() > 1, divided, "token {token_id}");
        }
        assert!((0..partition.len()).all(|part| partition.rows(part) <= 1000));
    }

    #[test]
    fn without_tokens_near_rows_share_a_part() {
        let mut rows = sample(8000, 8);
        rows.token_ids.clear();
        let mut partition = Partition::new(&first(&rows, 1000), 2, 8000, &options(1000));
        let parts = divide(&mut partition, &rows, 8000);
        assert!(partition.len() > 8, "{}", partition.len());
        let mut reach = vec![(f32::MAX, f32::MIN); partition.len()];
        for (row, part) in rows.vectors.chunks(2).zip(parts) {
            let (low, high) = &mut reach[part.unwrap() as usize];
            (*low, *high) = (low.min(row[1]), high.max(row[1]));
        }
        assert!(reach.iter().skip(1).all(|(low, high)| high - low < 3.0));
    }

    #[test]
    fn a_part_takes_no_more_than_its_limit() {
        let mut rows = Rows::default();
        (0..500).for_each(|_| rows.extend(&[1.0, 2.0], &[7]));
        let mut partition = Partition::new(&first(&rows, 10), 2, 10, &options(100));
        let parts = divide(&mut partition, &rows, 40);
        assert!(parts[..100].iter().all(Option::is_some));
        assert!(parts[100..].iter().all(Option::is_none));
        assert_eq!((partition.rows(0), partition.factor(0)), (100, 5.0));
    }

    #[test]
    fn nothing_drawn_makes_one_empty_part() {
        let partition = Partition::new(&Rows::default(), 2, 0, &options(10));
        assert_eq!((partition.len(), partition.total()), (1, 0));
    }
}
