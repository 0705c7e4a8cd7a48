//! Rendering for a terminal: hits with the matched words highlighted, wrapped to its width.
//!
//! Everything here is a pure function of text, weights and a [`Style`]; nothing here prints. The
//! results are [`Painted`](crate::output::Painted), so that no text brings escape codes of its own.

pub mod explanation;
pub mod fit;
pub mod hit;
pub mod number;
pub mod style;
pub mod table;
pub mod text;
pub mod wrap;

pub use style::{Role, Style};
