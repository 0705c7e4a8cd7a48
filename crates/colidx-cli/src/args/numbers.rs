//! Parsers for whole numbers within a range.

use clap::builder::RangedI64ValueParser;
use clap::value_parser;

/// A number from 1.
pub fn at_least_one() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..)
}

/// A number of hits or rounds.
pub fn up_to_a_million() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=1_000_000)
}

/// A number of threads.
pub fn thread_count() -> RangedI64ValueParser<u16> {
    value_parser!(u16).range(1..=1024)
}

/// A share: above 0, at most 1.
pub fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|&share| share > 0.0 && share <= 1.0);
    share.ok_or_else(|| "expected a number above 0 and at most 1".to_owned())
}

/// A weight in a sum of two: from 0 to 1.
pub fn weight(text: &str) -> Result<f32, String> {
    let weight = text.parse().ok();
    let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
    weight.ok_or_else(|| "expected at least 0 and at most 1".to_owned())
}
