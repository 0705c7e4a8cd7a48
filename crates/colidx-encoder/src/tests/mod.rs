//! Tests of several modules together.

mod backends;
mod cut;
