//! Which instruction set the kernels use.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set that the kernels are written for.
///
/// All levels give the same bits; they differ in speed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Portable Rust, the oracle of the others. On processors without fused multiply-add (x86-64 before 2013) the
    /// `fma` is computed in software: correct, and many times slower.
    Scalar,
    /// x86-64 with AVX2 and FMA (Haswell, Zen and later).
    Avx2,
    /// x86-64 with AVX-512 F, BW and VL (Skylake-X, Zen 4 and later), of which those that multiply integers faster do so with VNNI
    /// and AMX.
    Avx512,
    /// AArch64, where NEON is always present.
    Neon,
}

impl Level {
    /// All levels, slowest first.
    pub const ALL: [Level; 4] = [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512];

    /// The name that `COLIDX_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Neon => "neon",
        }
    }

    /// Whether this processor can run the level.
    pub fn is_supported(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Level::Neon => true,
            #[allow(
                unreachable_patterns,
                reason = "which arms exist depends on the target"
            )]
            _ => false,
        }
    }

    /// The levels this processor can run, slowest first.
    pub fn supported() -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| level.is_supported())
    }

    /// The level itself, once it is known that this processor can run it.
    pub(crate) fn checked(self) -> Level {
        if self != level() {
            assert!(
                self.is_supported(),
                "kernel level {self} is not supported by this processor"
            );
        }
        self
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The level the free functions of this crate run at: the fastest one the processor supports.
///
/// The environment variable `COLIDX_KERNELS` (`scalar`, `avx2`, `avx512` or `neon`), read once, chooses another
/// supported level; a name that is unknown or unsupported here has no effect.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let forced = std::env::var("COLIDX_KERNELS").unwrap_or_default();
        Level::supported()
            .find(|level| level.name() == forced)
            .or_else(|| Level::supported().last())
            .unwrap_or(Level::Scalar)
    })
}

/// Calls `kernel` of the sibling module that belongs to a level.
///
/// The caller has checked the lengths of all slices; that is the other half of what each kernel's `# Safety` asks for.
macro_rules! dispatch {
    ($level:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $level.checked() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX-512, and the caller of `dispatch` the lengths.
            $crate::Level::Avx512 => unsafe { avx512::$kernel($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX2 and FMA, and the caller the lengths.
            $crate::Level::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of AArch64, and the caller has seen to the lengths.
            $crate::Level::Neon => unsafe { neon::$kernel($($argument),*) },
            _ => scalar::$kernel($($argument),*),
        }
    };
}
pub(crate) use dispatch;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_level_is_supported() {
        assert!(level().is_supported());
        assert!(Level::supported().any(|l| l == Level::Scalar));
    }

    #[test]
    #[should_panic(expected = "not supported by this processor")]
    fn a_foreign_level_is_refused() {
        let foreign = if cfg!(target_arch = "aarch64") {
            Level::Avx2
        } else {
            Level::Neon
        };
        foreign.dots(&[], &crate::Panels::new(&[], 1), &mut []);
    }
}
