//! The columns of a table of judgements.

use crate::columns::{ITERATION, JUDGED_DOCUMENT, JUDGED_QUERY, RELEVANCE, find, is_name, normal};

/// Where the parts of a judgement stand.
pub(super) struct Header {
    pub(super) columns: usize,
    pub(super) query: usize,
    pub(super) document: usize,
    pub(super) relevance: usize,
    /// The names of the others, but for those that never mean anything.
    pub(super) unused: Vec<String>,
}

impl Header {
    /// The header that a first line is, if it is one: all its columns are names, and among them
    /// are the three that are needed, or the last is the relevance.
    pub(super) fn of(cells: &[&str]) -> Option<Header> {
        let names: Vec<String> = cells.iter().map(|name| normal(name)).collect();
        let relevance = find(&names, RELEVANCE)?;
        let named = find(&names, JUDGED_QUERY).zip(find(&names, JUDGED_DOCUMENT));
        let (query, document) = match named {
            Some((query, document)) if query != document => (query, document),
            _ if names.len() == 3 && relevance == 2 => (0, 1),
            _ if names.len() == 4 && relevance == 3 && is_iteration(&names[1]) => (0, 2),
            _ => return None,
        };
        let named = |cell: &&str| is_name(cell) || cell.trim() == "0";
        let used = [query, document, relevance];
        let others = cells.iter().zip(&names).enumerate();
        let others = others.filter(|(at, (_, name))| !used.contains(at) && !is_iteration(name));
        cells.iter().all(named).then(|| Header {
            columns: cells.len(),
            query,
            document,
            relevance,
            unused: others
                .map(|(_, (cell, _))| cell.trim().to_owned())
                .collect(),
        })
    }
}

pub(super) fn is_iteration(name: &str) -> bool {
    name == "0" || ITERATION.contains(&name)
}
