//! The instruction sets that the kernels are written for, and which of them is used.

use std::ffi::OsString;
use std::fmt;
use std::sync::OnceLock;

/// The environment variable that selects an instruction set.
const VARIABLE: &str = "COLIDX_KERNELS";

/// The SIMD registers of an instruction set. Kernels that need no special unit are written once for
/// all instruction sets of the same registers.
#[derive(Clone, Copy)]
#[allow(
    dead_code,
    reason = "which registers are matched on depends on the target"
)]
pub(crate) enum Registers {
    Scalar,
    Neon,
    Avx2,
    Avx512,
}

/// One line for each instruction set: its name in `COLIDX_KERNELS`, its registers, its target, and
/// how to detect it.
macro_rules! isas {
    ($($(#[$doc:meta])+ $isa:ident: $name:literal, $registers:ident, $target:meta, $supported:expr;)+) => {
        /// An instruction set that the kernels are written for.
        ///
        /// All give the same bits; they differ in speed alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Isa {
            $($(#[$doc])+ $isa,)+
        }

        impl Isa {
            /// All instruction sets, slowest first.
            pub const ALL: [Isa; [$($name),+].len()] = [$(Isa::$isa),+];

            /// The name that `COLIDX_KERNELS` takes.
            pub fn name(self) -> &'static str {
                match self {
                    $(Isa::$isa => $name,)+
                }
            }

            /// Whether this processor can run it. For [`Isa::Amx`] this asks Linux for the tile
            /// registers; see the documentation of the crate.
            pub fn is_supported(self) -> bool {
                match self {
                    $(
                        #[cfg($target)]
                        Isa::$isa => $supported,
                        #[cfg(not($target))]
                        Isa::$isa => false,
                    )+
                }
            }

            #[inline(always)]
            pub(crate) fn registers(self) -> Registers {
                match self {
                    $(Isa::$isa => Registers::$registers,)+
                }
            }
        }

        impl UnknownIsa {
            /// The values that the variable may have, in words.
            pub const EXPECTED: &'static str =
                concat!("one of ", $($name, ", ",)+ "and supported by this processor");
        }
    };
}

isas! {
    /// Portable Rust, the reference for all others. On processors without fused multiply-add
    /// (x86-64 before 2013) `fma` is computed in software: correct, and many times slower.
    Scalar: "scalar", Scalar, all(), true;

    /// AArch64, where NEON is always present.
    Neon: "neon", Neon, target_arch = "aarch64", true;

    /// NEON with the dot-product extension (Arm v8.2): `sdot` multiplies and adds 16 bytes.
    NeonDotprod: "neon-dotprod", Neon, target_arch = "aarch64",
        std::arch::is_aarch64_feature_detected!("dotprod");

    /// x86-64 with AVX2 and FMA (Haswell, Zen and later).
    Avx2: "avx2", Avx2, target_arch = "x86_64", avx2();

    /// AVX2 with AVX-VNNI (Alder Lake, Zen 5): `vpdpbusd` multiplies and adds 32 bytes.
    AvxVnni: "avx-vnni", Avx2, target_arch = "x86_64",
        avx2() && is_x86_feature_detected!("avxvnni");

    /// x86-64 with AVX-512 F, BW and VL (Skylake-X).
    Avx512: "avx512", Avx512, target_arch = "x86_64", avx512();

    /// AVX-512 with VNNI (Ice Lake, Zen 4 and later): `vpdpbusd` multiplies and adds 64 bytes.
    Avx512Vnni: "avx512-vnni", Avx512, target_arch = "x86_64", avx512_vnni();

    /// AVX-512 with VNNI and AMX (Sapphire Rapids and later), whose tiles multiply bytes eight
    /// times faster. Linux gives tiles only to a process that asks, and until it ends: running this
    /// instruction set, or asking whether it [is supported](Isa::is_supported), asks for them. See
    /// the documentation of the crate for the consequences.
    Amx: "amx", Avx512, target_arch = "x86_64", avx512_vnni() && crate::amx::available();
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
fn avx512_vnni() -> bool {
    avx512() && is_x86_feature_detected!("avx512vnni")
}

impl Isa {
    /// The instruction sets that this processor can run, slowest first.
    pub fn all_supported() -> impl DoubleEndedIterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_supported())
    }

    fn fastest() -> Isa {
        Isa::all_supported().next_back().unwrap_or(Isa::Scalar)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `COLIDX_KERNELS` is no instruction set, or one that this processor cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa {
    /// The value of the variable.
    pub got: String,
}

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = UnknownIsa::EXPECTED;
        write!(
            f,
            "{VARIABLE} is `{}`, but must be {expected}; unset it to use the fastest",
            self.got
        )
    }
}

impl std::error::Error for UnknownIsa {}

/// The instruction set that the environment variable `COLIDX_KERNELS` names, or the fastest that
/// the processor supports where it is unset or empty. The variable is read once.
///
/// # Errors
/// The variable has another value, or names an instruction set that this processor cannot run.
pub fn selected() -> Result<Isa, UnknownIsa> {
    static SELECTED: OnceLock<Result<Isa, UnknownIsa>> = OnceLock::new();
    let selected = SELECTED.get_or_init(|| select(std::env::var_os(VARIABLE)));
    selected.clone()
}

fn select(word: Option<OsString>) -> Result<Isa, UnknownIsa> {
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return Ok(Isa::fastest());
    };
    // Detect only the one that is named: detecting AMX asks Linux for it.
    let named = Isa::ALL.into_iter().find(|isa| word == isa.name());
    let found = named.filter(|isa| isa.is_supported());
    found.ok_or_else(|| UnknownIsa {
        got: word.to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_selects_its_isa_or_is_an_error() {
        let fastest = Isa::all_supported().next_back();
        assert_eq!(select(None).ok(), fastest);
        assert_eq!(select(Some("".into())).ok(), fastest);
        for isa in Isa::ALL {
            let selected = select(Some(isa.name().into()));
            assert_eq!(selected.is_ok(), isa.is_supported(), "{isa}");
            assert!(selected.is_err() || selected == Ok(isa), "{isa}");
        }
        for word in ["AVX2", "avx521", " avx2", "fast", "0"] {
            let error = select(Some(word.into())).unwrap_err();
            assert_eq!(error.got, word);
            let told = error.to_string();
            assert!(
                told.contains("COLIDX_KERNELS") && told.contains(word),
                "{told}"
            );
            assert!(Isa::ALL.iter().all(|isa| told.contains(isa.name())));
        }
    }

    #[test]
    fn an_isa_needs_those_it_extends() {
        for (isa, base) in [
            (Isa::NeonDotprod, Isa::Neon),
            (Isa::AvxVnni, Isa::Avx2),
            (Isa::Avx512, Isa::Avx2),
            (Isa::Avx512Vnni, Isa::Avx512),
            (Isa::Amx, Isa::Avx512Vnni),
        ] {
            assert!(base.is_supported() || !isa.is_supported(), "{isa}");
        }
    }
}
