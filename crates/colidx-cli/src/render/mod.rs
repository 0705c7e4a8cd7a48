//! What a person sees: hits with the words lit that earned the score, wrapped to the terminal.
//!
//! Everything here is a pure function of text, weights and a [`Style`]; nothing here prints. What it makes is
//! [`Painted`](crate::output::Painted), so that no text brings codes of its own.

pub mod explanation;
pub mod fit;
pub mod hit;
pub mod number;
pub mod passage;
pub mod style;
pub mod table;
pub mod text;
pub mod wrap;

pub use style::{Role, Style};
