//! Which documents to look closer at: those whose scores there are estimated to be best.
//!
//! How much each trait of a document counts for its score is not the same for every model, corpus and query. So a first few
//! documents are chosen by what mostly counts, and what scores they get teaches what counts here, by which the others are
//! chosen (`docs/search.md` has what that gives).

use super::ridge::{Lesson, ridge};
use super::top::top;
use super::tuning::PRIOR_OBSERVATIONS;
use crate::error::Result;
use crate::snapshot::Place;

/// Documents with traits and estimates of their scores.
pub(super) struct Choice<const TRAITS: usize> {
    documents: Vec<Place>,
    traits: Vec<[f32; TRAITS]>,
    /// What each trait counts before anything is learned.
    prior: [f64; TRAITS],
    /// By document; negative infinity for those that were chosen.
    estimates: Vec<f32>,
}

impl<const TRAITS: usize> Choice<TRAITS> {
    /// Of documents with these traits, of which each counts about as much as `prior` says.
    pub(super) fn new(
        documents: Vec<Place>,
        traits: Vec<[f32; TRAITS]>,
        prior: [f64; TRAITS],
    ) -> Self {
        Self {
            estimates: traits.iter().map(|t| estimate(t, &prior)).collect(),
            documents,
            traits,
            prior,
        }
    }

    /// Has `count` documents scored: the best `lessons` by the prior, and then the best by what their scores teach; `None`
    /// teaches nothing. Each time they are in document order: what is read of them is then read front to back.
    pub(super) fn in_two_rounds(
        mut self,
        lessons: usize,
        count: usize,
        mut score: impl FnMut(&[Place]) -> Result<Vec<Option<f64>>>,
    ) -> Result<()> {
        let first = self.choose(lessons.min(count));
        let scores = score(&self.documents_at(&first))?;
        self.learn(&first, &scores);
        let others = self.choose(count - first.len());
        score(&self.documents_at(&others)).map(|_| ())
    }

    /// Where the `count` best are that were not chosen before, in document order.
    fn choose(&mut self, count: usize) -> Vec<usize> {
        let mut chosen = top(&self.estimates, count, f32::total_cmp);
        // Fewer may be left.
        chosen.retain(|&at| self.estimates[at] > f32::NEG_INFINITY);
        for &at in &chosen {
            self.estimates[at] = f32::NEG_INFINITY;
        }
        chosen.sort_unstable_by_key(|&at| self.documents[at]);
        chosen
    }

    fn documents_at(&self, chosen: &[usize]) -> Vec<Place> {
        chosen.iter().map(|&at| self.documents[at]).collect()
    }

    /// Estimates those that are left by what the chosen teach.
    fn learn(&mut self, chosen: &[usize], scores: &[Option<f64>]) {
        let lessons: Vec<Lesson<TRAITS>> = chosen
            .iter()
            .zip(scores)
            .filter_map(|(&at, &score)| Some((self.traits[at].map(f64::from), score?)))
            .collect();
        let weights = ridge(&lessons, &self.prior, PRIOR_OBSERVATIONS);
        for (estimated, traits) in self.estimates.iter_mut().zip(&self.traits) {
            if *estimated > f32::NEG_INFINITY {
                *estimated = estimate(traits, &weights);
            }
        }
    }
}

/// Above negative infinity, which stands for those that were chosen.
fn estimate<const TRAITS: usize>(traits: &[f32; TRAITS], weights: &[f64; TRAITS]) -> f32 {
    let products = traits.iter().zip(weights);
    let sum: f64 = products.map(|(&x, weight)| f64::from(x) * weight).sum();
    (sum as f32).max(f32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_teach_which_others_to_choose() {
        // Of ten documents numbers 1, 4 and 7 have the largest first traits, and 0 and 3 the smallest.
        // They do not come in order.
        let documents: Vec<Place> = (0..10).rev().map(|at| Place::new(0, at)).collect();
        let first = |document: &Place| (document.document() * 7 % 10) as f32;
        let traits: Vec<[f32; 2]> = documents.iter().map(|d| [first(d), 1.0]).collect();
        let mut rounds = Vec::new();
        let choice = Choice::new(documents, traits, [1.0, 0.0]);
        let score = |documents: &[Place]| {
            let numbers = documents.iter().map(|document| document.document());
            rounds.push(numbers.collect::<Vec<u32>>());
            // That a large first trait is bad.
            Ok(vec![Some(-7e6), Some(-8e6), None])
        };
        choice.in_two_rounds(3, 5, score).unwrap();
        assert_eq!(rounds, [vec![1, 4, 7], vec![0, 3]]);
    }

    #[test]
    fn no_document_is_chosen_twice_and_nothing_is_made_up() {
        for (lessons, count) in [(3, 99), (99, 99), (2, 4), (9, 2), (0, 0)] {
            let documents: Vec<Place> = (0..4).map(|at| Place::new(1, at)).collect();
            let mut chosen = Vec::new();
            let choice = Choice::new(documents.clone(), vec![[f32::NAN]; 4], [1.0]);
            let score = |documents: &[Place]| {
                chosen.extend_from_slice(documents);
                Ok(vec![Some(1.0); documents.len()])
            };
            choice.in_two_rounds(lessons, count, score).unwrap();
            assert_eq!(chosen, documents[..count.min(4)]);
        }
    }
}
