//! The codebook: a coarse quantizer of centroids, and a residual quantizer for what they leave.
//!
//! Training makes a [`NewCodebook`]: centroids rounded to 8 bits and ordered by cell ([`layout`]),
//! a graph over them where they are many ([`graph`]), and the [`residual_quantizer`]. Ingest
//! encodes vectors with it. Search reads it in place as a [`Codebook`], and finds a query token's
//! best centroids either by scoring all of them ([`ColumnTopK`]) or over the graph
//! ([`BeamSearch`]), which is built with the same two.

mod beam_search;
pub(crate) mod codes;
mod column_top_k;
pub(crate) mod graph;
pub(crate) mod layout;
mod new;
pub(crate) mod residual_quantizer;
mod sections;
mod stored;

pub(crate) use beam_search::BeamSearch;
pub(crate) use column_top_k::ColumnTopK;
pub(crate) use new::{NewCodebook, in_training_order};
pub(crate) use stored::Codebook;

/// A score and the number of the centroid that has it.
pub(crate) type Scored = (i32, u32);
