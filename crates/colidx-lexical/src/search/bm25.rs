//! BM25 as Lucene computes it, in whole numbers.
//!
//! A score is a whole number of quanta. A quantum is a power of two, and 2^23 of them are more than
//! any document can score. Sums are then exact: the score of a document depends neither on the
//! order in which terms are added nor on what is skipped.

use super::statistics::Statistics;
use crate::format::BLOCK;
use crate::impact::length_of;
use crate::query::Query;

/// The mantissa bits of `f32`: adding this number moves a small one into the lowest bits.
const ROUND: f32 = (1u32 << 23) as f32;
const ROUND_MASK: u32 = (1 << 23) - 1;

/// The weights of a query's terms in quanta, and what lengths do to them.
#[derive(Debug)]
pub(crate) struct Bm25 {
    /// What each term adds at most.
    pub weights: Vec<f32>,
    /// The inverse document frequency of each term.
    pub idf: Vec<f64>,
    quantum: f64,
    base: f32,
    slope: f32,
}

impl Bm25 {
    pub fn new(query: &Query, statistics: &Statistics) -> Self {
        let documents = statistics.documents as f64;
        let idf = |&n: &u64| (1.0 + (documents - n as f64 + 0.5) / (n as f64 + 0.5)).ln();
        let idf: Vec<f64> = statistics.frequencies.iter().map(idf).collect();
        let weights = idf.iter().zip(query.terms());
        let weights: Vec<f64> = weights
            .map(|(idf, term)| idf * f64::from(term.count))
            .collect();
        // Each term may be rounded up to one quantum at least.
        let sum = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let room = f64::from(ROUND) - 2.0 * weights.len() as f64;
        let quantum = (sum / room).log2().ceil().exp2();
        Self {
            weights: weights
                .iter()
                .map(|weight| (weight / quantum) as f32)
                .collect(),
            idf,
            quantum,
            base: query.k1() * (1.0 - query.b()),
            slope: (f64::from(query.k1() * query.b()) / statistics.average()) as f32,
        }
    }

    /// The score that a number of quanta stands for. Exact.
    pub fn score(&self, quanta: u32) -> f32 {
        (f64::from(quanta) * self.quantum) as f32
    }

    /// What a term of this weight adds to the score of a document.
    #[inline]
    pub fn quanta(&self, weight: f32, frequency: u32, length: u32) -> u32 {
        quanta(weight, number(frequency - 1) + 1.0, self.norm(length))
    }

    /// The most that a term of this weight adds to the score of a document that one of the pairs
    /// covers.
    #[inline]
    pub fn bound(&self, weight: f32, pairs: &[u8]) -> u32 {
        let pairs = pairs.chunks_exact(2).map(|pair| {
            let frequency = match pair[0] {
                255 => f32::INFINITY,
                frequency => f32::from(frequency),
            };
            quanta(weight, frequency, self.norm(length_of(pair[1])))
        });
        pairs.max().unwrap_or(0)
    }

    /// Sets `out` to what a term of this weight adds to the scores of at most 128 documents, given
    /// their frequencies, less one.
    #[inline]
    pub fn all(
        &self,
        weight: f32,
        documents: &[u32],
        frequencies: &[u32],
        lengths: &[[u8; 4]],
        out: &mut [u32; BLOCK],
    ) {
        // Looked up first, so that what follows is vector code.
        let mut of_documents = [0; BLOCK];
        for (length, &document) in of_documents.iter_mut().zip(documents) {
            *length = length_at(lengths, document);
        }
        let given = of_documents.iter().zip(frequencies).zip(out);
        for ((&length, &frequency), out) in given {
            *out = quanta(weight, number(frequency) + 1.0, self.norm(length));
        }
    }

    /// `k1 * (1 - b + b * length / average)`.
    #[inline]
    fn norm(&self, length: u32) -> f32 {
        self.base + self.slope * number(length)
    }
}

/// The length of a document; 0 past the end.
#[inline]
pub(crate) fn length_at(lengths: &[[u8; 4]], document: u32) -> u32 {
    lengths
        .get(document as usize)
        .map_or(0, |&length| u32::from_le_bytes(length))
}

/// As a float, in one instruction everywhere; at most that of 2^31.
#[inline]
fn number(n: u32) -> f32 {
    n.min(i32::MAX as u32) as i32 as f32
}

/// `weight * tf / (tf + norm)`, in a form in which every step of rounding keeps the order: no less
/// for a higher frequency or a lower norm, never more than the weight. At least one quantum.
#[inline]
fn quanta(weight: f32, frequency: f32, norm: f32) -> u32 {
    let part = weight - weight / (1.0 + frequency / norm);
    ((part + ROUND).to_bits() & ROUND_MASK).max(1)
}
