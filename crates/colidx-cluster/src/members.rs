//! Rows listed by label, by one counting sort.

/// The rows of each label, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Members {
    /// Row `i` has `labels[i]`, below `count`.
    pub(crate) fn new(labels: impl Iterator<Item = u32> + Clone, count: usize) -> Members {
        let mut starts = vec![0; count + 1];
        for label in labels.clone() {
            starts[label as usize + 1] += 1;
        }
        for label in 0..count {
            starts[label + 1] += starts[label];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts[count] as usize];
        for (row, label) in labels.enumerate() {
            let slot = &mut next[label as usize];
            rows[*slot as usize] = row as u32;
            *slot += 1;
        }
        Members { starts, rows }
    }

    pub(crate) fn of(&self, label: usize) -> &[u32] {
        &self.rows[self.starts[label] as usize..self.starts[label + 1] as usize]
    }

    /// All rows, by label.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    pub(crate) fn lists(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.starts.len() - 1).map(|label| self.of(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_listed_once_under_its_label() {
        let members = Members::new([2, 0, 2, 3, 0].into_iter(), 5);
        let lists: Vec<&[u32]> = members.lists().collect();
        assert_eq!(lists, [&[1, 4][..], &[], &[0, 2], &[3], &[]]);
    }
}
