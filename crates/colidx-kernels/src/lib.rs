//! The arithmetic of colidx: dot products and MaxSim, the residual codec, centroid interaction, and what lies between the
//! matrix products of a transformer, each with a scalar oracle beside its SIMD forms. The instruction set is chosen at
//! run time; see [`Level`].
//!
//! # Every level gives the same bits
//!
//! A dot product is accumulated per output element, in order of the dimension, with fused multiply-add:
//!
//! ```text
//! acc = bias; for d in 0..dim { acc = fma(x[d], p[d], acc) }
//! ```
//!
//! The lanes of a SIMD register hold different *columns* (query tokens or centroids), never different dimensions, so
//! there is no horizontal sum whose order would depend on the register width. Decoding a residual is one `fma` per
//! element. An index, a score and a ranking are therefore the same on every machine.
//!
//! # Shapes
//!
//! - *rows* are token vectors, `[n_rows, dim]` f32, row-major;
//! - *columns* are what rows are compared with, laid out once as [`Panels`];
//! - *codes* (`u16` or `u32`) are centroid ids, one for each token vector;
//! - *residuals* are packed buckets, [`packed_len`] bytes for each token vector.
//!
//! The free functions run at [`level()`]; the methods of [`Level`] of the same names run at a level of the caller's
//! choice, which tests and benchmarks need.

mod code;
mod codec;
mod dense;
mod dot;
mod fma;
mod int8;
mod lanes;
mod level;
mod norm;
mod panels;
mod rows;
mod view;

pub use code::{Code, CodeOutOfRange};
pub use codec::{Codec, decode, pack, packed_len, quantize, unpack};
pub use dense::{Activation, layer_norm, softmax};
pub use dot::{Nearest, dots, dots_strided, max_dots, maxsim, nearest};
pub use int8::{Int8Panels, Int8Rows, int8_dots};
pub use level::{Level, level};
pub use norm::normalize;
pub use panels::{LANES, Panels};
pub use rows::max_rows;
pub use view::RowsView;
