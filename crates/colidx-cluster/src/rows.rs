//! Vectors with the ids of their tokens, and samples of them in parts.

use std::error::Error;
use std::ops::Range;

use crate::SHARED;

/// Vectors, and the vocabulary ids of the tokens they stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// `[n, dim]`, row-major.
    pub vectors: Vec<f32>,
    /// `[n]`, or none where the ids are not known.
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

    /// The rows of each token, ascending, in order of token id; rows whose token is not known are of [`SHARED`].
    pub(crate) fn by_token(&self, dim: usize) -> ByToken {
        let n = self.vectors.len() / dim.max(1);
        let id = |row: u32| {
            let known = self.token_ids.get(row as usize);
            known.copied().unwrap_or(SHARED)
        };
        let mut rows: Vec<u32> = (0..n as u32).collect();
        rows.sort_by_key(|&row| id(row));
        let mut tokens = Vec::new();
        let mut start = 0;
        for same in rows.chunk_by(|&a, &b| id(a) == id(b)) {
            tokens.push((id(same[0]), start..start + same.len()));
            start += same.len();
        }
        ByToken { rows, tokens }
    }
}

/// Numbers of rows, token by token.
pub(crate) struct ByToken {
    rows: Vec<u32>,
    tokens: Vec<(u32, Range<usize>)>,
}

impl ByToken {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let list = |(token_id, range): &(u32, Range<usize>)| (*token_id, &self.rows[range.clone()]);
        self.tokens.iter().map(list)
    }
}

/// A sample in parts, as a [`Partition`](crate::Partition) divides it, that are read one at a time.
pub trait Parts: Sync {
    /// Replaces what `rows` holds by the rows of a part, in the order they were drawn. Called from any thread.
    ///
    /// # Errors
    /// Any; training stops and gives it as [`ClusterError::Read`](crate::ClusterError::Read).
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
    fn rows_are_listed_by_token() {
        let mut rows = Rows::default();
        rows.extend(&[0.0; 10], &[9, 4, SHARED, 4, 9]);
        let listed = rows.by_token(2);
        let listed: Vec<(u32, &[u32])> = listed.iter().collect();
        assert_eq!(listed, [(4, &[1, 3][..]), (9, &[0, 4]), (SHARED, &[2])]);
        rows.token_ids.clear();
        let listed = rows.by_token(2);
        let listed: Vec<(u32, &[u32])> = listed.iter().collect();
        assert_eq!(listed, [(SHARED, &[0, 1, 2, 3, 4][..])]);
    }
}
