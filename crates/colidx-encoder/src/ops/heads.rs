//! How the heads of an attention layer lie.

use candle_core::{Result, bail};

/// The heads of an attention layer. In a row they lie side by side: all of the queries, then all of the keys, then all of the
/// values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) queries: usize,
    /// Heads of keys, and of values: each is shared by as many heads of queries (Ainslie et al., arXiv 2305.13245).
    pub(crate) keys: usize,
    /// Dimensions of a head.
    pub(crate) width: usize,
}

impl Heads {
    /// `count` heads of queries, of keys and of values.
    pub(crate) fn equal(count: usize, width: usize) -> Heads {
        Heads {
            queries: count,
            keys: count,
            width,
        }
    }

    /// Dimensions of a row of queries, keys and values.
    pub(crate) fn row(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Dimensions of what attention gives for a row.
    pub(crate) fn output(self) -> usize {
        self.queries * self.width
    }

    /// Refuses rows of another `width` than these heads have.
    pub(super) fn check(self, op: &str, width: usize) -> Result<()> {
        let expected = self.row();
        if width != expected {
            bail!("{op}: input of width {width} where {expected} was expected");
        }
        Ok(())
    }
}
