//! The arithmetic of colidx: dot products and MaxSim in f32 and in integers, the residual codec, and
//! what lies between the matrix products of a transformer, each with a scalar oracle beside its SIMD forms. The instruction
//! set is chosen at run time; see [`Level`].
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
//! element, and integer sums are exact. An index, a score and a ranking are therefore the same on every machine.
//!
//! # Shapes
//!
//! - *rows* are token vectors, `[n_rows, dim]` f32, row-major;
//! - *columns* are what rows are compared with, laid out once as [`Panels`];
//! - rows of 16-bit integers, [`int16_stride`] apart, and columns as [`Int16Panels`] give scores that are exact in i32 and
//!   near those of f32, by a bound that rows and columns know ([`FixedPoint::row_error`], [`Int16Panels::errors`]): for screening;
//! - rows of bytes and columns as [`CoarsePanels`], of seven bits, give scores that choose centroids;
//! - *codes* (`u16` or `u32`) are each of a centroid and one of [`GAINS`] gains, one for each token vector; packed, a fixed few bits each;
//! - *residuals* are bits that name weights ([`unpack`], [`Quantizer`]), [`packed_len`] bytes for each token vector.
//!
//! The free functions run at [`level()`]; the methods of [`Level`] of the same names run at a level of the caller's
//! choice, which tests and benchmarks need.
//!
//! # AMX asks the system for something
//!
//! On x86-64 processors with AMX the fastest level is [`Level::Amx`]. Linux keeps its registers, eight kilobytes a thread, only
//! for a process that asks (`arch_prctl(ARCH_REQ_XCOMP_PERM)`), and for all of its threads until it ends. From then on Linux
//! refuses alternate signal stacks (`sigaltstack`) that are too small to keep these registers in, about 11 KiB: a
//! program with smaller ones must not let this crate ask. `COLIDX_KERNELS=avx512` in the environment chooses AVX-512
//! without AMX, and then nothing is asked. Where the system says no, the level is not supported, and AVX-512 is chosen.

#[cfg(target_arch = "x86_64")]
mod amx;
mod coarse;
mod code;
mod codec;
mod dense;
mod dot;
mod fixed;
mod fma;
mod int16;
mod int8;
mod lanes;
mod level;
mod marked;
mod norm;
mod packed_codes;
mod panels;
mod picked;
mod prefetch;
mod reaching;
mod round;
#[cfg(test)]
mod testing;
mod view;

pub use coarse::{CoarsePanels, coarse_dots, coarse_length};
pub use code::{Code, CodeOutOfRange};
pub use codec::{Codec, GAINS, Quantizer, decode, packed_len, unpack};
pub use dense::{Activation, layer_norm, rms_norm, softmax};
pub use dot::{Nearest, dots, dots_strided, max_dots, maxsim, nearest};
pub use fixed::{FixedPoint, decode_int16};
pub use int8::{Int8Panels, Int8Rows, int8_dots};
pub use int16::{Int16Panels, ScoreErrors, int16_max_dots, int16_stride};
pub use level::{Level, UnknownLevel, level, selection};
pub use marked::Division;
pub use norm::normalize;
pub use packed_codes::unpack_codes;
pub use panels::{LANES, Panels};
pub use picked::{picked_dots, picked_max};
pub use prefetch::prefetch;
pub use reaching::{reaching, rows_reaching, rows_reaching16};
pub use view::RowsView;
