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
