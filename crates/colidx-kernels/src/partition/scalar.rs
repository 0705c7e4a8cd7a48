//! The reference, which most instruction sets use.

use super::{CodePartition, WORD};
use crate::codec::split;

pub(super) fn partition(codes: &[u32], marks: &[u32], partition: &mut CodePartition) {
    let n = codes.len();
    let CodePartition {
        places,
        marked,
        others,
    } = partition;
    let (was_marked, was_other) = (marked.len(), others.len());
    places.resize(was_marked + n, 0);
    marked.resize(was_marked + n, 0);
    others.resize(was_other + n, 0);
    let mut count = 0;
    {
        let places = &mut places[was_marked..];
        let marked = &mut marked[was_marked..];
        let others = &mut others[was_other..];
        // Branch-free: write each code to both sides, and advance one.
        for (at, &code) in codes.iter().enumerate() {
            let centroid = split(code).0 as u32;
            let word = marks.get((centroid / WORD) as usize).copied();
            places[count] = at as u32;
            marked[count] = code;
            others[at - count] = centroid;
            count += (word.unwrap_or(0) >> (centroid % WORD) & 1) as usize;
        }
    }
    places.truncate(was_marked + count);
    marked.truncate(was_marked + count);
    others.truncate(was_other + n - count);
}
