//! The peaks of one core: independent chains of instructions that never leave the registers.

use std::hint::black_box;

use colidx_kernels::Isa;

use crate::rate;

/// The fastest that a core multiplies and adds integers, in GOP/s.
#[derive(Default)]
pub struct Integers {
    /// Of 16 bits.
    pub words: Option<f64>,
    /// Of 8 bits, with tiles or with the one instruction for it, where there is one.
    pub bytes: Option<f64>,
    /// Of 8 bits, with three instructions: the sums of two products saturate at 16 bits, are added
    /// in pairs, and then to the rest.
    pub bytes_in_three: Option<f64>,
    /// Of 8 bits, with two instructions: as before, but added to the rest in 16 bits.
    pub bytes_in_two: Option<f64>,
}

/// GOP/s of AMX: products added to six tiles in turn. The caller has seen that AMX is supported,
/// which asks Linux for the tiles.
#[cfg(target_arch = "x86_64")]
fn tile_peak() -> f64 {
    use std::arch::asm;
    const ROUNDS: usize = 10_000;
    /// Eight whole tiles, of palette 1.
    #[repr(C, align(64))]
    struct Shapes([u8; 64]);
    let mut shapes = Shapes([0; 64]);
    shapes.0[0] = 1;
    for tile in 0..8 {
        shapes.0[16 + 2 * tile] = 64;
        shapes.0[48 + tile] = 16;
    }
    let work = (2 * 16 * 16 * 64 * 6 * ROUNDS) as f64 / 1e9;
    // SAFETY: the caller has seen the kernels use tiles. No memory is touched but the shapes, which
    // are read.
    rate(work, || unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tilezero tmm6",
            "tilezero tmm7",
            "2:",
            "tdpbssd tmm0, tmm6, tmm7",
            "tdpbssd tmm1, tmm6, tmm7",
            "tdpbssd tmm2, tmm6, tmm7",
            "tdpbssd tmm3, tmm6, tmm7",
            "tdpbssd tmm4, tmm6, tmm7",
            "tdpbssd tmm5, tmm6, tmm7",
            "dec {rounds}",
            "jnz 2b",
            "tilerelease",
            shapes = in(reg) &shapes,
            rounds = inout(reg) ROUNDS => _,
            options(nostack, readonly),
        );
    })
}

/// GOP/s of the integer units that the kernels use at `isa`.
pub fn integers(isa: Isa) -> Integers {
    /// GOP/s of `$chains` independent chains; a `$step` makes a chain's next value of the one
    /// before, `$products` at once, and must use it in the product, which the compiler otherwise
    /// computes only once.
    #[allow(unused_macros, reason = "some targets have none to measure")]
    macro_rules! chains {
        ($features:literal, $chains:literal, $products:literal, $splat:path, $step:expr) => {{
            #[target_feature(enable = $features)]
            fn chains(rounds: usize) {
                let mut acc = [$splat(black_box(3)); $chains];
                let (x, y) = ($splat(black_box(7)), $splat(black_box(5)));
                for _ in 0..rounds {
                    for acc in &mut acc {
                        *acc = $step(*acc, x, y);
                    }
                }
                black_box(acc);
            }
            const ROUNDS: usize = 10_000;
            let work = (2 * $products * $chains * ROUNDS) as f64 / 1e9;
            // SAFETY: the caller's instruction set is one that the processor supports.
            Some(rate(work, || unsafe { chains(ROUNDS) }))
        }};
    }
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    /// Of registers without VNNI.
    #[cfg(target_arch = "x86_64")]
    macro_rules! without_vnni {
        ($features:literal, $chains:literal, $words:literal, $bytes:literal, $splat:ident,
            $add16:ident, $add32:ident, $madd:ident, $maddubs:ident) => {
            Integers {
                words: chains!($features, $chains, $words, $splat, |acc, x, y| {
                    $add32(x, $madd(acc, y))
                }),
                bytes: None,
                bytes_in_three: chains!($features, $chains, $bytes, $splat, |acc, x, y| {
                    $add32(x, $madd($maddubs(acc, y), y))
                }),
                bytes_in_two: chains!($features, $chains, $bytes, $splat, |acc, x, y| {
                    $add16(x, $maddubs(acc, y))
                }),
            }
        };
    }
    /// Of registers with VNNI.
    #[cfg(target_arch = "x86_64")]
    macro_rules! with_vnni {
        ($features:literal, $chains:literal, $words:literal, $bytes:literal, $splat:ident,
            $dpwssd:ident, $dpbusd:ident) => {
            Integers {
                words: chains!($features, $chains, $words, $splat, |acc, x, y| {
                    $dpwssd(acc, x, y)
                }),
                bytes: chains!($features, $chains, $bytes, $splat, |acc, x, y| {
                    $dpbusd(acc, x, y)
                }),
                ..Integers::default()
            }
        };
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => without_vnni!(
            "avx2",
            12,
            16,
            32,
            _mm256_set1_epi32,
            _mm256_add_epi16,
            _mm256_add_epi32,
            _mm256_madd_epi16,
            _mm256_maddubs_epi16
        ),
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni => with_vnni!(
            "avx2,avxvnni",
            12,
            16,
            32,
            _mm256_set1_epi32,
            _mm256_dpwssd_avx_epi32,
            _mm256_dpbusd_avx_epi32
        ),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => without_vnni!(
            "avx512f,avx512bw",
            24,
            32,
            64,
            _mm512_set1_epi32,
            _mm512_add_epi16,
            _mm512_add_epi32,
            _mm512_madd_epi16,
            _mm512_maddubs_epi16
        ),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni | Isa::Amx => {
            let registers = with_vnni!(
                "avx512f,avx512vnni",
                24,
                32,
                64,
                _mm512_set1_epi32,
                _mm512_dpwssd_epi32,
                _mm512_dpbusd_epi32
            );
            let tiles = (isa == Isa::Amx).then(tile_peak);
            Integers {
                bytes: tiles.or(registers.bytes),
                ..registers
            }
        }
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::NeonDotprod => {
            use std::arch::aarch64::*;
            Integers {
                words: chains!("neon", 24, 4, vdupq_n_s32, |acc, x, y| {
                    let (acc, y) = (vreinterpretq_s16_s32(acc), vreinterpretq_s16_s32(y));
                    vmlal_high_s16(x, acc, y)
                }),
                ..Integers::default()
            }
        }
        _ => Integers::default(),
    }
}

/// GFLOP/s of independent chains of fused multiply-adds that never leave the registers.
pub fn floats(isa: Isa) -> Option<f64> {
    /// Twenty-four chains fill a fused multiply-add's latency on every core; AVX2 has registers for
    /// twelve.
    macro_rules! chains {
        ($features:literal, $chains:literal, $lanes:literal, $splat:path, $fma:path) => {{
            #[target_feature(enable = $features)]
            fn chains(rounds: usize) {
                let mut acc = [$splat(black_box(1.0)); $chains];
                let (x, y) = ($splat(black_box(0.999)), $splat(black_box(1e-3)));
                for _ in 0..rounds {
                    for acc in &mut acc {
                        *acc = $fma(*acc, x, y);
                    }
                }
                black_box(acc);
            }
            const ROUNDS: usize = 10_000;
            let work = (2 * $lanes * $chains * ROUNDS) as f64 / 1e9;
            // SAFETY: the caller's instruction set is one that the processor supports.
            Some(rate(work, || unsafe { chains(ROUNDS) }))
        }};
    }
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx512Vnni | Isa::Amx => {
            chains!("avx512f", 24, 16, _mm512_set1_ps, _mm512_fmadd_ps)
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::AvxVnni => chains!("avx2,fma", 12, 8, _mm256_set1_ps, _mm256_fmadd_ps),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::NeonDotprod => {
            use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
            chains!("neon", 24, 4, vdupq_n_f32, vfmaq_f32)
        }
        _ => None,
    }
}
