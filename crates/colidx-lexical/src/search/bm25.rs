//! BM25 as Lucene computes it, in whole numbers.
//!
//! A score is a whole number of quanta. A quantum is a power of two, and 2^23 of them are more than
//! any document can score. Sums are then exact: the score of a document depends neither on the order
//! in which terms are added nor on what is skipped.

use super::statistics::Statistics;
use crate::format::get_u32;
use crate::impact::length_of;
use crate::query::Query;

/// The mantissa bits of `f32`: adding this number moves a small one into the lowest bits.
const ROUND: f32 = (1u32 << 23) as f32;
const ROUND_MASK: u32 = (1 << 23) - 1;

/// Lengths whose norm is tabulated.
const TABLE: usize = 1024;

/// The weights of a query's terms in quanta, and the norms of lengths.
#[derive(Debug)]
pub(crate) struct Bm25 {
    /// What each term adds at most.
    pub weights: Vec<f32>,
    /// The inverse document frequency of each term.
    pub idf: Vec<f64>,
    quantum: f64,
    norms: Norms,
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
            norms: Norms::new(query.k1(), query.b(), statistics.average()),
        }
    }

    /// A score of so many quanta. Exact.
    pub fn score(&self, quanta: u32) -> f32 {
        (f64::from(quanta) * self.quantum) as f32
    }

    /// What a term of this weight adds to the score of a document.
    #[inline]
    pub fn quanta(&self, weight: f32, frequency: u32, length: u32) -> u32 {
        // As in `all`, where 32 bits do not fit the mantissa.
        let frequency = (frequency - 1) as f32 + 1.0;
        quanta(weight, frequency, self.norms.get(length))
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
            quanta(weight, frequency, self.norms.get(length_of(pair[1])))
        });
        pairs.max().unwrap_or(0)
    }

    /// Replaces `out` by what a term of this weight adds to the scores of documents, given their
    /// frequencies, less one.
    #[inline]
    pub fn all(
        &self,
        weight: f32,
        documents: &[u32],
        frequencies: &[u32],
        lengths: &[u8],
        out: &mut [u32],
    ) {
        for ((out, &document), &frequency) in out.iter_mut().zip(documents).zip(frequencies) {
            let norm = self.norms.get(get_u32(lengths, document as usize * 4));
            *out = quanta(weight, frequency as f32 + 1.0, norm);
        }
    }
}

/// `weight * tf / (tf + 1 / norm)`, in a form in which every step of rounding keeps the order: more
/// for a higher frequency or norm, never more than the weight. At least one quantum.
#[inline]
fn quanta(weight: f32, frequency: f32, norm: f32) -> u32 {
    let part = weight - weight / (1.0 + frequency * norm);
    ((part + ROUND).to_bits() & ROUND_MASK).max(1)
}

/// `1 / (k1 * (1 - b + b * length / average))`.
#[derive(Debug)]
struct Norms {
    base: f32,
    slope: f32,
    table: Box<[f32; TABLE]>,
}

impl Norms {
    fn new(k1: f32, b: f32, average: f64) -> Self {
        let mut norms = Self {
            base: k1 * (1.0 - b),
            slope: (f64::from(k1 * b) / average) as f32,
            table: Box::new([0.0; TABLE]),
        };
        for length in 0..TABLE {
            norms.table[length] = norms.compute(length as u32);
        }
        norms
    }

    fn compute(&self, length: u32) -> f32 {
        // Not infinite, which times nothing would be no number.
        (1.0 / (self.base + self.slope * length as f32)).min(f32::MAX)
    }

    #[inline]
    fn get(&self, length: u32) -> f32 {
        match self.table.get(length as usize) {
            Some(&norm) => norm,
            None => self.compute(length),
        }
    }
}
