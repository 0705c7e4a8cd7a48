//! The arithmetic of colidx: dot products and MaxSim in f32 and in integers, the residual codec,
//! and the element-wise layers of a transformer. Every kernel has a scalar reference implementation
//! and SIMD versions; the instruction set ([`Isa`]) is chosen at run time.
//!
//! # Every instruction set gives the same bits
//!
//! A dot product is accumulated per output element, in order of the dimension, with fused
//! multiply-add:
//!
//! ```text
//! acc = bias; for d in 0..dim { acc = fma(x[d], p[d], acc) }
//! ```
//!
//! The lanes of a SIMD register hold different *columns* (query tokens or centroids), never
//! different dimensions, so no horizontal sum depends on the register width. Decoding a residual is
//! one `fma` per element, and integer sums are exact. An index, a score and a ranking are therefore
//! the same on every machine.
//!
//! # Names
//!
//! A kernel is named after its operation; a suffix is the element type of its rows. No suffix means
//! 32-bit elements.
//!
//! | operation | rows | columns | output |
//! |---|---|---|---|
//! | `dots`, `max_dots`, `maxsim`, `nearest` | f32 | [`Panels`] | f32, exact order of operations |
//! | `dots_i16` | i16, from `decode_i16` | [`PanelsI16`] | i32, within [`PanelsI16::errors`] of f32 |
//! | `dots_i8` | i8, centroids as stored | [`PanelsI7`] | i16, to select centroids |
//! | `dots_u8` | [`RowsU8`], quantised f32 | [`PanelsI8`] | f32, off by the rounding of both |
//! | `decode`, `decode_i16` | codes and residuals | - | f32, or i16 at unit length |
//! | `gather_dots`, `gather_max` | i8, i16; selected rows | one column; - | i32, i16 |
//! | `mask_sum_ge`, `position_of_max`, `row_maxima` | f32 | - | bits; a position; f32 |
//! | `squared_length`, `add_to_sums` | f32 | - | f64 |
//! | `quantize_i16`, `dequantize_i16` | f32, i16 | - | i16 and a step; f32 |
//! | `mask_ge`, `rows_any_ge`, `rows_any_ge_i16` | u32, i32, i16 | thresholds | bits; row numbers |
//!
//! # Shapes
//!
//! - *rows* are token vectors, `[n_rows, dim]`, row-major; rows of i16 are [`stride_i16`] apart;
//! - *columns* are what rows are multiplied with, laid out once as panels of [`LANES`] columns;
//! - *codes* (`u16` or `u32`) hold a centroid and one of [`GAINS`] gains, one code per token
//!   vector; packed codes have a fixed number of bits each;
//! - *residuals* are bits that select weights ([`unpack`], [`Quantizer`]), [`packed_len`] bytes per
//!   token vector.
//!
//! # AMX needs permission from Linux
//!
//! On x86-64 processors with AMX the fastest instruction set is [`Isa::Amx`]. Linux allocates the
//! tile registers, eight kilobytes a thread, only to a process that asks
//! (`arch_prctl(ARCH_REQ_XCOMP_PERM)`), and for all of its threads until it ends. From then on
//! Linux refuses alternate signal stacks (`sigaltstack`) smaller than about 11 KiB: a program that
//! has smaller ones must not let this crate ask. `COLIDX_KERNELS=avx512-vnni` selects AVX-512
//! without AMX, and then nothing is asked. Where Linux refuses, AMX counts as not supported.

#[cfg(target_arch = "x86_64")]
mod amx;
mod code;
mod codec;
mod compare;
mod decode_i16;
mod dots;
mod dots_i16;
mod dots_i8;
mod dots_u8;
mod fma;
mod gather;
mod isa;
mod kernels;
mod layers;
mod norm;
mod panels;
mod partition;
mod prefetch;
mod quantize_i16;
mod reduce;
mod round;
#[cfg(test)]
mod testing;
mod transpose;
mod unpack_codes;
mod view;

pub use code::{Code, CodeOutOfRange};
pub use codec::{Codec, GAINS, Quantizer, packed_len, unpack};
pub use decode_i16::CodecI16;
pub use dots::Nearest;
pub use dots_i8::{PanelsI7, max_chunk_norm};
pub use dots_i16::{PanelsI16, ScoreErrors, stride_i16};
pub use dots_u8::{PanelsI8, RowsU8};
pub use isa::{Isa, UnknownIsa, selected};
pub use kernels::{Kernels, kernels};
pub use layers::Activation;
pub use panels::{LANES, Panels};
pub use partition::CodePartition;
pub use prefetch::prefetch;
pub use view::RowsView;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
