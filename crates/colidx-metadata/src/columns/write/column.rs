//! The values of one kind that a field has, while they are collected.

use crate::columns::document::Scalar;
use crate::columns::intern::Interner;
use crate::columns::layout::Kind;

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

    /// The pairs with which a new value begins.
    pub(super) fn starts(&self) -> impl Iterator<Item = u32> + '_ {
        let begins = |at: usize| match &self.pairs {
            Pairs::One(_) => at == 0,
            Pairs::Numbers(pairs) => at == 0 || pairs[at][..2] != pairs[at - 1][..2],
            Pairs::Strings(pairs, _) => at == 0 || pairs[at][0] != pairs[at - 1][0],
        };
        (0..self.len() as u32).filter(move |&at| begins(at as usize))
    }

    /// The document of every pair.
    pub(super) fn documents(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(|at| match &self.pairs {
            Pairs::One(documents) => documents[at],
            Pairs::Numbers(pairs) => pairs[at][2],
            Pairs::Strings(pairs, _) => pairs[at][1],
        })
    }

    /// The distinct integers, ascending; none of another kind.
    pub(super) fn integers(&self) -> impl Iterator<Item = i64> + '_ {
        self.keys(Kind::I64).map(integer)
    }

    /// The distinct floats, ascending; none of another kind.
    pub(super) fn floats(&self) -> impl Iterator<Item = f64> + '_ {
        self.keys(Kind::F64).map(float)
    }

    fn keys(&self, kind: Kind) -> impl Iterator<Item = u64> + '_ {
        let pairs: &[[u32; 3]] = match &self.pairs {
            Pairs::Numbers(pairs) if self.kind == kind => pairs,
            _ => &[],
        };
        let same = |a: &[u32; 3], b: &[u32; 3]| a[..2] == b[..2];
        pairs.chunk_by(same).map(|pairs| key(pairs[0]))
    }

    /// The distinct strings, ascending; none of another kind.
    pub(super) fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let strings = match &self.pairs {
            Pairs::Strings(_, strings) => Some(strings),
            _ => None,
        };
        let sorted = strings
            .into_iter()
            .flat_map(|s| s.sorted.iter().zip(std::iter::repeat(s)));
        sorted.map(|(&id, strings)| strings.interner.get(id))
    }
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
            prop_assert_eq!(integer_key(a).cmp(&integer_key(b)), a.cmp(&b));
            prop_assert_eq!(float_key(x).cmp(&float_key(y)), x.total_cmp(&y));
            prop_assert_eq!(integer(key(pair(integer_key(a), 7))), a);
            prop_assert_eq!(float(key(pair(float_key(x), 7))).to_bits(), x.to_bits());
        }
    }
}
