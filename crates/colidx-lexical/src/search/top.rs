//! The best documents so far.

use super::Place;
use std::cmp::Ordering;

/// A heap with the worst of the best `k` on top.
pub(super) struct Top<F> {
    k: usize,
    order: F,
    /// Whether documents come in the order, so that one with the score of the last never enters.
    in_order: bool,
    heap: Vec<(u32, Place)>,
}

impl<F: FnMut(Place, Place) -> Ordering> Top<F> {
    pub fn new(k: usize, order: F, in_order: bool) -> Self {
        Self {
            k,
            order,
            in_order,
            heap: Vec::new(),
        }
    }

    pub fn wants_any(&self) -> bool {
        self.k > 0
    }

    /// The least score that may enter.
    #[inline]
    pub fn needed(&self) -> u32 {
        match self.heap.first() {
            Some(&(worst, _)) if self.heap.len() == self.k => worst + u32::from(self.in_order),
            _ => 1,
        }
    }

    pub fn push(&mut self, score: u32, place: Place) {
        if self.heap.len() < self.k {
            self.heap.push((score, place));
            self.sift_up();
        } else if self.is_worse(self.heap[0], (score, place)) {
            self.heap[0] = (score, place);
            self.sift_down();
        }
    }

    /// Whether `a` is listed after `b`.
    fn is_worse(&mut self, a: (u32, Place), b: (u32, Place)) -> bool {
        let order = b.0.cmp(&a.0).then_with(|| (self.order)(a.1, b.1));
        order == Ordering::Greater
    }

    fn sift_up(&mut self) {
        let mut at = self.heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_worse(self.heap[at], self.heap[parent]) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let mut worst = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.is_worse(self.heap[child], self.heap[worst]) {
                    worst = child;
                }
            }
            if worst == at {
                return;
            }
            self.heap.swap(at, worst);
            at = worst;
        }
    }

    /// Best first.
    pub fn into_sorted(self) -> Vec<(u32, Place)> {
        let Self {
            mut heap,
            mut order,
            ..
        } = self;
        heap.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| order(a.1, b.1)));
        heap
    }
}
