//! The kernels at one instruction set.

use std::fmt;
use std::sync::OnceLock;

use crate::{Isa, selected};

/// The kernels, as methods, at an instruction set that this processor supports.
///
/// A value of this type proves that the processor supports the instruction set, so that calls need
/// not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernels(Isa);

impl Kernels {
    /// In portable Rust, for any processor.
    pub const SCALAR: Kernels = Kernels(Isa::Scalar);

    /// The kernels at `isa`, if this processor supports it. Programs use [`kernels`]; this is for
    /// tests and benchmarks.
    pub fn at(isa: Isa) -> Option<Kernels> {
        isa.is_supported().then_some(Kernels(isa))
    }

    /// The kernels at every instruction set that this processor supports, slowest first.
    pub fn all_supported() -> impl DoubleEndedIterator<Item = Kernels> {
        Isa::all_supported().map(Kernels)
    }

    /// The instruction set.
    #[inline]
    pub fn isa(self) -> Isa {
        self.0
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kernels at the [`selected`] instruction set, or at [`Isa::Scalar`] where the selection is an
/// error, so that nothing runs which was not asked for. A caller that can report errors checks
/// [`selected`] first.
#[inline]
pub fn kernels() -> Kernels {
    static KERNELS: OnceLock<Kernels> = OnceLock::new();
    *KERNELS.get_or_init(|| selected().map_or(Kernels::SCALAR, Kernels))
}

/// Calls `kernel` of the sibling module (`scalar`, `neon`, `avx2` or `avx512`) that is written for
/// the registers of the instruction set.
///
/// The caller has checked the lengths of all slices: the other half of each kernel's `# Safety`.
macro_rules! dispatch {
    ($kernels:expr, $kernel:ident $arguments:tt) => {
        match $kernels.isa().registers() {
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves AVX-512 F, BW and VL, AVX2 and FMA; the caller has checked
            // the lengths.
            $crate::isa::Registers::Avx512 => unsafe { avx512::$kernel $arguments },
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves AVX2 and FMA; the caller has checked the lengths.
            $crate::isa::Registers::Avx2 => unsafe { avx2::$kernel $arguments },
            #[cfg(target_arch = "aarch64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: NEON is part of AArch64; the caller has checked the lengths.
            $crate::isa::Registers::Neon => unsafe { neon::$kernel $arguments },
            _ => scalar::$kernel $arguments,
        }
    };
}
pub(crate) use dispatch;

/// Calls `kernel` of the sibling module named after the instruction set itself, for kernels that
/// use special units. Lengths are as for [`dispatch!`].
macro_rules! dispatch_isa {
    ($kernels:expr, $kernel:ident $arguments:tt) => {
        match $kernels.isa() {
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::Amx => unsafe { amx::$kernel $arguments },
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::Avx512Vnni => unsafe { avx512_vnni::$kernel $arguments },
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::Avx512 => unsafe { avx512::$kernel $arguments },
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::AvxVnni => unsafe { avx_vnni::$kernel $arguments },
            #[cfg(target_arch = "x86_64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::Avx2 => unsafe { avx2::$kernel $arguments },
            #[cfg(target_arch = "aarch64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::NeonDotprod => unsafe { neon_dotprod::$kernel $arguments },
            #[cfg(target_arch = "aarch64")]
            #[allow(unused_unsafe, reason = "some modules are safe code under an alias")]
            // SAFETY: `Kernels` proves the instruction set; the caller has checked the lengths.
            $crate::Isa::Neon => unsafe { neon::$kernel $arguments },
            _ => scalar::$kernel $arguments,
        }
    };
}
pub(crate) use dispatch_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_isa_is_supported() {
        assert!(kernels().isa().is_supported());
        assert_eq!(Kernels::all_supported().next(), Some(Kernels::SCALAR));
    }

    #[test]
    fn kernels_of_another_architecture_do_not_exist() {
        let foreign = if cfg!(target_arch = "aarch64") {
            Isa::Avx2
        } else {
            Isa::Neon
        };
        assert_eq!(Kernels::at(foreign), None);
    }
}
