//! The memory layout of attention heads.

use candle_core::{Result, bail};

/// The heads of an attention layer. A row holds all query heads, then all key heads, then all value
/// heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) queries: usize,
    /// Key heads, and value heads. Each is shared by `queries / keys` query heads (Ainslie et al.,
    /// arXiv 2305.13245).
    pub(crate) keys: usize,
    /// Dimensions of a head.
    pub(crate) width: usize,
}

impl Heads {
    /// `count` heads each of queries, keys and values.
    pub(crate) fn equal(count: usize, width: usize) -> Heads {
        Heads {
            queries: count,
            keys: count,
            width,
        }
    }

    /// Dimensions of a row with queries, keys and values.
    pub(crate) fn row(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Dimensions of the output of attention.
    pub(crate) fn output(self) -> usize {
        self.queries * self.width
    }

    /// Refuses rows whose `width` does not match.
    pub(super) fn check(self, op: &str, width: usize) -> Result<()> {
        let expected = self.row();
        if width != expected {
            bail!("{op}: input of width {width} where {expected} was expected");
        }
        Ok(())
    }
}
