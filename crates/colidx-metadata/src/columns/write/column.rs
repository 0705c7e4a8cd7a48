//! The values of one kind that a field has, while they are collected.

use crate::columns::document::Scalar;
use crate::columns::intern::Interner;
use crate::columns::layout::Kind;
use std::ops::Range;

/// Pairs of value and document: as they come, and after [`seal`](Self::seal) each once, sorted.
#[derive(Debug)]
pub(super) struct Column {
    kind: Kind,
    pairs: Pairs,
    /// How many documents have a value, and the last of them.
    documents: u32,
    last: Option<u32>,
}

#[derive(Debug)]
enum Pairs {
    /// Documents with the one value of the kind.
    One(Vec<u32>),
    /// High and low half of a key that sorts as the number does, and the document: in an order that
    /// arrays have, without padding.
    Numbers(Vec<[u32; 3]>),
    /// The string's number, after sealing its rank, and the document.
    Strings(Vec<[u32; 2]>, Box<Strings>),
}

#[derive(Debug, Default)]
struct Strings {
    interner: Interner,
    /// The number of the string of each rank.
    sorted: Vec<u32>,
}

impl Column {
    pub(super) fn new(kind: Kind) -> Self {
        let pairs = match kind {
            Kind::I64 | Kind::F64 => Pairs::Numbers(Vec::new()),
            Kind::String => Pairs::Strings(Vec::new(), Box::default()),
            Kind::Null | Kind::Empty | Kind::False | Kind::True => Pairs::One(Vec::new()),
        };
        Self {
            kind,
            pairs,
            documents: 0,
            last: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds a value of this kind; documents come in order. `false` where 32 bits count no more.
    pub(super) fn push(&mut self, scalar: Scalar<'_>, document: u32) -> bool {
        if self.len() == u32::MAX as usize {
            return false;
        }
        let fresh = self.last != Some(document);
        self.last = Some(document);
        self.documents += u32::from(fresh);
        match (&mut self.pairs, scalar) {
            (Pairs::One(documents), _) if fresh => documents.push(document),
            (Pairs::Numbers(pairs), Scalar::I64(n)) => pairs.push(pair(integer_key(n), document)),
            (Pairs::Numbers(pairs), Scalar::F64(n)) => pairs.push(pair(float_key(n), document)),
            (Pairs::Strings(pairs, strings), Scalar::String(string)) => {
                pairs.push([strings.interner.intern(string), document]);
            }
            _ => {}
        }
        true
    }

    /// Sorts the pairs by value and document, and keeps one of each.
    pub(super) fn seal(&mut self) {
        match &mut self.pairs {
            Pairs::One(_) => {}
            Pairs::Numbers(pairs) => {
                pairs.sort_unstable();
                pairs.dedup();
            }
            Pairs::Strings(pairs, strings) => {
                strings.interner.seal();
                strings.sorted = strings.interner.sorted();
                let mut ranks = vec![0; strings.sorted.len()];
                for (rank, &id) in (0..).zip(&strings.sorted) {
                    ranks[id as usize] = rank;
                }
                for [value, _] in pairs.iter_mut() {
                    *value = ranks[*value as usize];
                }
                pairs.sort_unstable();
                pairs.dedup();
            }
        }
    }

    /// How many pairs there are.
    pub(super) fn len(&self) -> usize {
        match &self.pairs {
            Pairs::One(documents) => documents.len(),
            Pairs::Numbers(pairs) => pairs.len(),
            Pairs::Strings(pairs, _) => pairs.len(),
        }
    }

    /// How many documents have a value.
    pub(super) fn distinct_documents(&self) -> u32 {
        self.documents
    }

    /// The pairs of each distinct value, in the order of values.
    pub(super) fn values(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let same = |a: usize, b: usize| match &self.pairs {
            Pairs::One(_) => true,
            Pairs::Numbers(pairs) => pairs[a][..2] == pairs[b][..2],
            Pairs::Strings(pairs, _) => pairs[a][0] == pairs[b][0],
        };
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = start;
            while start < self.len() && same(first, start) {
                start += 1;
            }
            (first < start).then_some(first..start)
        })
    }

    /// The value of a pair as bytes that sort as the values do, perhaps in `scratch`.
    pub(super) fn bytes<'a>(&'a self, at: usize, scratch: &'a mut [u8; 8]) -> &'a [u8] {
        match &self.pairs {
            Pairs::One(_) => &[],
            Pairs::Numbers(pairs) => {
                *scratch = key(pairs[at]).to_be_bytes();
                scratch
            }
            Pairs::Strings(pairs, strings) => {
                let id = strings.sorted[pairs[at][0] as usize];
                strings.interner.get(id)
            }
        }
    }

    /// The document of a pair.
    pub(super) fn document(&self, at: usize) -> u32 {
        match &self.pairs {
            Pairs::One(documents) => documents[at],
            Pairs::Numbers(pairs) => pairs[at][2],
            Pairs::Strings(pairs, _) => pairs[at][1],
        }
    }

    /// About how many bytes it takes.
    pub(super) fn held(&self) -> usize {
        let pairs = match &self.pairs {
            Pairs::One(documents) => documents.capacity() * size_of::<u32>(),
            Pairs::Numbers(pairs) => pairs.capacity() * size_of::<[u32; 3]>(),
            Pairs::Strings(pairs, strings) => {
                let strings = size_of::<Strings>() + strings.interner.held();
                pairs.capacity() * size_of::<[u32; 2]>() + strings
            }
        };
        2 * size_of::<Self>() + pairs
    }
}

/// The integer of [`Column::bytes`].
pub(super) fn integer_of(bytes: &[u8]) -> i64 {
    integer(key_of(bytes))
}

/// The float of [`Column::bytes`].
pub(super) fn float_of(bytes: &[u8]) -> f64 {
    float(key_of(bytes))
}

fn key_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |key, &byte| key << 8 | u64::from(byte))
}

fn pair(key: u64, document: u32) -> [u32; 3] {
    [(key >> 32) as u32, key as u32, document]
}

fn key([high, low, _]: [u32; 3]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

const SIGN: u64 = 1 << 63;

fn integer_key(integer: i64) -> u64 {
    integer as u64 ^ SIGN
}

fn integer(key: u64) -> i64 {
    (key ^ SIGN) as i64
}

fn float_key(float: f64) -> u64 {
    let bits = float.to_bits();
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

fn float(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_numbers(a: i64, b: i64, x: f64, y: f64) {
            let bytes = |key: u64| key.to_be_bytes();
            prop_assert_eq!(bytes(integer_key(a)).cmp(&bytes(integer_key(b))), a.cmp(&b));
            prop_assert_eq!(integer_of(&bytes(integer_key(a))), a);
            prop_assert_eq!(float_of(&bytes(float_key(x))).to_bits(), x.to_bits());
            prop_assert_eq!(integer_key(a).cmp(&integer_key(b)), a.cmp(&b));
            prop_assert_eq!(float_key(x).cmp(&float_key(y)), x.total_cmp(&y));
            prop_assert_eq!(integer(key(pair(integer_key(a), 7))), a);
            prop_assert_eq!(float(key(pair(float_key(x), 7))).to_bits(), x.to_bits());
        }
    }
}
