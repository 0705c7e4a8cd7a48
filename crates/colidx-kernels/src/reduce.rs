//! Reduction of [`LANES`] lanes to one value.

use crate::LANES;

/// Reduces in halves: 8 and 8, 4 and 4, 2 and 2, 1 and 1, in the same order for every register
/// width.
#[inline(always)]
pub(crate) fn reduce(mut lanes: [f32; LANES], with: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] = with(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}

/// The greater of two values, in one instruction; the second if they do not compare.
#[inline(always)]
pub(crate) fn greater(x: f32, y: f32) -> f32 {
    if x > y { x } else { y }
}

/// The lesser of two values, in one instruction; the second if they do not compare.
#[inline(always)]
pub(crate) fn lesser(x: f32, y: f32) -> f32 {
    if x < y { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_takes_part() {
        let lanes: [f32; LANES] = std::array::from_fn(|i| (i * 7 % LANES) as f32);
        assert_eq!(reduce(lanes, |x, y| x + y), 120.0);
        assert_eq!(reduce(lanes, greater), 15.0);
        assert_eq!(reduce(lanes.map(|x| x + 3.0), lesser), 3.0);
    }
}
