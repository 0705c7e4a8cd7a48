//! Distinct strings, each stored once and known by a number.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Strings one after the other. A table from hash to number takes a third of the memory of one that
/// owns its strings.
#[derive(Debug, Default)]
pub(super) struct Interner {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<usize>,
    /// The string before it that has the same hash, or its own number.
    before: Vec<u32>,
    /// The last string of each hash.
    last: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Interner {
    /// The string's number: how many distinct ones came before it.
    pub(super) fn intern(&mut self, string: &str) -> u32 {
        let hash = self.hasher.hash_one(string);
        let mut at = self.last.get(&hash).copied();
        while let Some(id) = at {
            if self.get(id) == string.as_bytes() {
                return id;
            }
            at = Some(self.before[id as usize]).filter(|&before| before != id);
        }
        // A column has fewer values than that.
        let id = self.ends.len() as u32;
        self.bytes.extend_from_slice(string.as_bytes());
        self.ends.push(self.bytes.len());
        self.before.push(self.last.insert(hash, id).unwrap_or(id));
        id
    }

    pub(super) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[id]]
    }

    /// The numbers of all strings, in the order of their bytes.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..self.ends.len() as u32).collect();
        ids.sort_unstable_by_key(|&id| self.get(id));
        ids
    }

    /// About how many bytes it takes, and will take when its strings are sorted.
    pub(super) fn held(&self) -> usize {
        // An entry of the table is 16 bytes and one of control, and an eighth stays empty.
        const ENTRY: usize = 20;
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.before.capacity() * size_of::<u32>()
            + self.last.capacity() * ENTRY
    }

    /// Drops what only [`intern`](Self::intern) needs.
    pub(super) fn seal(&mut self) {
        self.last = HashMap::new();
        self.before = Vec::new();
    }
}
