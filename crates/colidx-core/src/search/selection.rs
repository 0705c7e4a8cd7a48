//! Selection of the documents that the next step scores: those whose scores are estimated best.
//!
//! How much each feature counts differs between models, corpora and queries. So a pilot batch is
//! selected by prior weights, and the scores it gets fit the weights that select the rest.

use super::ridge::{Observation, ridge_with_prior};
use super::top_k::top_k_indices;
use super::tuning::PRIOR_OBSERVATIONS;
use crate::error::Result;
use crate::snapshot::Place;

/// Documents with features and estimates of their scores.
pub(super) struct Selector<const FEATURES: usize> {
    documents: Vec<Place>,
    features: Vec<[f32; FEATURES]>,
    /// Weights of the features before any score is known.
    prior: [f64; FEATURES],
    /// By document; negative infinity once it was selected.
    estimates: Vec<f32>,
}

impl<const FEATURES: usize> Selector<FEATURES> {
    pub(super) fn new(
        documents: Vec<Place>,
        features: Vec<[f32; FEATURES]>,
        prior: [f64; FEATURES],
    ) -> Self {
        Self {
            estimates: features.iter().map(|f| estimate(f, &prior)).collect(),
            documents,
            features,
            prior,
        }
    }

    /// Has `count` documents scored: the best `pilot` by the prior weights, then the best of the
    /// rest by weights that the pilot's scores fit; a score of `None` is no observation.
    ///
    /// Each batch is in document order, so that it is read front to back.
    pub(super) fn pilot_then_rest(
        mut self,
        pilot: usize,
        count: usize,
        mut score: impl FnMut(&[Place]) -> Result<Vec<Option<f64>>>,
    ) -> Result<()> {
        let pilot = self.select(pilot.min(count));
        let scores = score(&self.documents_at(&pilot))?;
        self.fit(&pilot, &scores);
        let rest = self.select(count - pilot.len());
        score(&self.documents_at(&rest)).map(|_| ())
    }

    /// Positions of the `count` best that were not selected before, in document order.
    fn select(&mut self, count: usize) -> Vec<usize> {
        let mut selected = top_k_indices(&self.estimates, count, f32::total_cmp);
        // Fewer may be left.
        selected.retain(|&at| self.estimates[at] > f32::NEG_INFINITY);
        for &at in &selected {
            self.estimates[at] = f32::NEG_INFINITY;
        }
        selected.sort_unstable_by_key(|&at| self.documents[at]);
        selected
    }

    fn documents_at(&self, selected: &[usize]) -> Vec<Place> {
        selected.iter().map(|&at| self.documents[at]).collect()
    }

    /// Estimates the documents that are left with weights fitted to the scores of those selected.
    fn fit(&mut self, selected: &[usize], scores: &[Option<f64>]) {
        let observations: Vec<Observation<FEATURES>> = selected
            .iter()
            .zip(scores)
            .filter_map(|(&at, &score)| Some((self.features[at].map(f64::from), score?)))
            .collect();
        let weights = ridge_with_prior(&observations, &self.prior, PRIOR_OBSERVATIONS);
        for (estimated, features) in self.estimates.iter_mut().zip(&self.features) {
            if *estimated > f32::NEG_INFINITY {
                *estimated = estimate(features, &weights);
            }
        }
    }
}

/// Above negative infinity, which marks those that were selected.
fn estimate<const FEATURES: usize>(features: &[f32; FEATURES], weights: &[f64; FEATURES]) -> f32 {
    let products = features.iter().zip(weights);
    let sum: f64 = products.map(|(&x, weight)| f64::from(x) * weight).sum();
    (sum as f32).max(f32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pilot_decides_which_others_are_selected() {
        // Of ten documents, in no order, numbers 1, 4 and 7 have the largest first features, and 0
        // and 3 the smallest.
        let documents: Vec<Place> = (0..10).rev().map(|at| Place::new(0, at)).collect();
        let first = |document: &Place| (document.document() * 7 % 10) as f32;
        let features: Vec<[f32; 2]> = documents.iter().map(|d| [first(d), 1.0]).collect();
        let mut rounds = Vec::new();
        let selector = Selector::new(documents, features, [1.0, 0.0]);
        let score = |documents: &[Place]| {
            let numbers = documents.iter().map(|document| document.document());
            rounds.push(numbers.collect::<Vec<u32>>());
            // A large first feature is bad.
            Ok(vec![Some(-7e6), Some(-8e6), None])
        };
        selector.pilot_then_rest(3, 5, score).unwrap();
        assert_eq!(rounds, [vec![1, 4, 7], vec![0, 3]]);
    }

    #[test]
    fn no_document_is_selected_twice_or_made_up() {
        for (pilot, count) in [(3, 99), (99, 99), (2, 4), (9, 2), (0, 0)] {
            let documents: Vec<Place> = (0..4).map(|at| Place::new(1, at)).collect();
            let mut selected = Vec::new();
            let selector = Selector::new(documents.clone(), vec![[f32::NAN]; 4], [1.0]);
            let score = |documents: &[Place]| {
                selected.extend_from_slice(documents);
                Ok(vec![Some(1.0); documents.len()])
            };
            selector.pilot_then_rest(pilot, count, score).unwrap();
            assert_eq!(selected, documents[..count.min(4)]);
        }
    }
}
