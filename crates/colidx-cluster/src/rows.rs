//! Vectors with their token ids, and samples of them in parts.

use std::error::Error;

use crate::SHARED;

/// Vectors, and the vocabulary ids of the tokens they stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// `[n, dim]`, row-major.
    pub vectors: Vec<f32>,
    /// `[n]`, or empty where the ids are unknown.
    pub token_ids: Vec<u32>,
}

impl Rows {
    /// Removes all rows and keeps their memory.
    pub fn clear(&mut self) {
        self.vectors.clear();
        self.token_ids.clear();
    }

    /// Appends rows.
    pub fn extend(&mut self, vectors: &[f32], token_ids: &[u32]) {
        self.vectors.extend_from_slice(vectors);
        self.token_ids.extend_from_slice(token_ids);
    }

    /// Sorts rows by token id, stably.
    pub fn sort(&mut self, dim: usize) {
        if self.token_ids.is_empty() {
            return;
        }
        let order = order(&self.token_ids);
        let vectors = order
            .iter()
            .flat_map(|&row| &self.vectors[row as usize * dim..][..dim]);
        self.vectors = vectors.copied().collect();
        self.token_ids.sort_unstable();
    }

    /// The rows of each token, if sorted; without ids all rows are of [`SHARED`].
    pub(crate) fn by_token(&self, dim: usize) -> Vec<(u32, &[f32])> {
        if self.token_ids.is_empty() && !self.vectors.is_empty() {
            return vec![(SHARED, &self.vectors)];
        }
        let mut rest = &self.vectors[..];
        let tokens = self.token_ids.chunk_by(|a, b| a == b);
        let one = |ids: &[u32]| {
            let (rows, others) = rest.split_at(ids.len() * dim);
            rest = others;
            (ids[0], rows)
        };
        tokens.map(one).collect()
    }
}

/// Row numbers sorted by token id, stably.
pub(crate) fn order(token_ids: &[u32]) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..token_ids.len() as u32).collect();
    rows.sort_by_key(|&row| token_ids[row as usize]);
    rows
}

/// The mean of at least one vector, summed in order.
pub(crate) fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>, dim: usize) -> Vec<f32> {
    let mut sum = vec![0f64; dim];
    let mut count = 0usize;
    for vector in vectors {
        count += 1;
        for (total, &value) in sum.iter_mut().zip(vector) {
            *total += f64::from(value);
        }
    }
    sum.iter()
        .map(|total| (total / count as f64) as f32)
        .collect()
}

/// The listed rows, as one buffer.
pub(crate) fn gather(vectors: &[f32], dim: usize, rows: &[u32]) -> Vec<f32> {
    let mut gathered = Vec::new();
    gather_into(&mut gathered, vectors, dim, rows.iter().copied());
    gathered
}

/// Rows between the prefetch of one and its use.
pub(crate) const AHEAD: usize = 4;

/// Replaces `gathered` by the listed rows.
pub(crate) fn gather_into(
    gathered: &mut Vec<f32>,
    vectors: &[f32],
    dim: usize,
    rows: impl Iterator<Item = u32> + Clone,
) {
    let row = |row: u32| &vectors[row as usize * dim..(row as usize + 1) * dim];
    gathered.clear();
    gathered.reserve(rows.size_hint().0 * dim);
    let mut ahead = rows.clone().skip(AHEAD);
    for number in rows {
        if let Some(ahead) = ahead.next() {
            colidx_kernels::prefetch(row(ahead));
        }
        gathered.extend_from_slice(row(number));
    }
}

/// A sample in parts, as a [`Partition`](crate::Partition) assigns them, read one at a time.
pub trait Parts: Sync {
    /// Replaces `rows` by the rows of a part, [sorted](Rows::sort) from the order in which they
    /// were drawn. Called from any thread.
    ///
    /// # Errors
    /// Any; training stops and returns it as [`ClusterError::Read`](crate::ClusterError::Read).
    fn read(&self, part: usize, rows: &mut Rows) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Parts that are held in memory.
impl Parts for Vec<Rows> {
    fn read(&self, part: usize, rows: &mut Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
        rows.clear();
        rows.extend(&self[part].vectors, &self[part].token_ids);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_token_come_together_in_their_order() {
        let mut rows = Rows::default();
        let vectors = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5];
        rows.extend(&vectors, &[9, 4, SHARED, 4, 9]);
        rows.sort(2);
        let listed: [(u32, &[f32]); 3] = [
            (4, &[1.0, 1.5, 3.0, 3.5]),
            (9, &[0.0, 0.5, 4.0, 4.5]),
            (SHARED, &[2.0, 2.5]),
        ];
        assert_eq!(rows.by_token(2), listed);
        rows.token_ids.clear();
        assert_eq!(rows.by_token(2), [(SHARED, &rows.vectors[..])]);
        rows.clear();
        assert!(rows.by_token(2).is_empty());
    }

    #[test]
    fn mean_of_two() {
        assert_eq!(
            mean([[1.0, 2.0].as_slice(), &[3.0, 6.0]].into_iter(), 2),
            [2.0, 4.0]
        );
    }
}
