//! Which instruction set the kernels use.

use std::ffi::OsString;
use std::fmt;
use std::sync::OnceLock;

/// The environment variable that chooses a level.
const VARIABLE: &str = "COLIDX_KERNELS";

/// An instruction set that the kernels are written for.
///
/// All levels give the same bits; they differ in speed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Portable Rust, the oracle of the others. On processors without fused multiply-add (x86-64 before 2013) the
    /// `fma` is computed in software: correct, and many times slower.
    Scalar,
    /// x86-64 with AVX2 and FMA (Haswell, Zen and later).
    Avx2,
    /// x86-64 with AVX-512 F, BW and VL (Skylake-X, Zen 4 and later), with VNNI where there is VNNI.
    Avx512,
    /// The same with AMX (Sapphire Rapids and later), whose tiles multiply bytes eight times faster. Linux lends tiles only to
    /// a process that asks, and takes them back only when it ends. To run at this level, or to ask whether it
    /// [is supported](Isa::is_supported), is to ask for them; see the crate's documentation for what follows.
    Amx,
    /// AArch64, where NEON is always present.
    Neon,
}

impl Isa {
    /// All levels, slowest first.
    pub const ALL: [Isa; 5] = [Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512, Isa::Amx];

    /// The name that `COLIDX_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Amx => "amx",
            Isa::Neon => "neon",
        }
    }

    /// Whether this processor can run the level.
    pub fn is_supported(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => Isa::Avx512.is_supported() && crate::amx::available(),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            #[allow(
                unreachable_patterns,
                reason = "which arms exist depends on the target"
            )]
            _ => false,
        }
    }

    /// The levels this processor can run, slowest first.
    pub fn all_supported() -> impl DoubleEndedIterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|level| level.is_supported())
    }

    /// The fastest one that this processor can run.
    fn fastest() -> Isa {
        Isa::all_supported().next_back().unwrap_or(Isa::Scalar)
    }

    /// The level itself, once it is known that this processor can run it.
    pub(crate) fn checked(self) -> Isa {
        if self != level() {
            assert!(
                self.is_supported(),
                "kernel level {self} is not supported by this processor"
            );
        }
        self
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// `COLIDX_KERNELS` names no level, or one that this processor cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa {
    /// What it says.
    pub got: String,
}

impl UnknownIsa {
    /// What it may say, in words.
    pub const EXPECTED: &'static str =
        "scalar, avx2, avx512, amx or neon, and of these one that this processor can run";
}

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = UnknownIsa::EXPECTED;
        write!(
            f,
            "{VARIABLE} is `{}`, but must be {expected}; without it the fastest is chosen",
            self.got
        )
    }
}

impl std::error::Error for UnknownIsa {}

/// The level that the environment variable `COLIDX_KERNELS` chooses (`scalar`, `avx2`, `avx512`, `amx` or `neon`), or the
/// fastest one that the processor supports where it is not set or empty. It is read once.
///
/// # Errors
/// It says anything else, or names a level that this processor cannot run.
pub fn selected() -> Result<Isa, UnknownIsa> {
    static SELECTION: OnceLock<Result<Isa, UnknownIsa>> = OnceLock::new();
    let selected = SELECTION.get_or_init(|| select(std::env::var_os(VARIABLE)));
    selected.clone()
}

fn select(word: Option<OsString>) -> Result<Isa, UnknownIsa> {
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return Ok(Isa::fastest());
    };
    // Of the one alone that is named is asked whether it is supported: to ask for AMX is to turn it on.
    let named = Isa::ALL.into_iter().find(|level| word == level.name());
    let found = named.filter(|level| level.is_supported());
    found.ok_or_else(|| UnknownIsa {
        got: word.to_string_lossy().into_owned(),
    })
}

/// The level the free functions of this crate run at: that of [`selected`], or where it is an error [`Isa::Scalar`], so
/// that nothing is used which was not asked for. Whoever can report errors looks at [`selected`] first.
pub fn level() -> Isa {
    static LEVEL: OnceLock<Isa> = OnceLock::new();
    *LEVEL.get_or_init(|| selected().unwrap_or(Isa::Scalar))
}

/// Calls `kernel` of the sibling module that belongs to a level.
///
/// The caller has checked the lengths of all slices; that is the other half of what each kernel's `# Safety` asks for.
macro_rules! dispatch {
    ($level:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $level.checked() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX-512, and the caller of `dispatch` the lengths.
            $crate::Isa::Avx512 | $crate::Isa::Amx => unsafe { avx512::$kernel($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX2 and FMA, and the caller the lengths.
            $crate::Isa::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of AArch64, and the caller has seen to the lengths.
            $crate::Isa::Neon => unsafe { neon::$kernel($($argument),*) },
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
        assert!(Isa::all_supported().any(|l| l == Isa::Scalar));
    }

    #[test]
    fn a_word_chooses_its_level_or_is_an_error() {
        let fastest = Isa::all_supported().next_back();
        assert_eq!(select(None).ok(), fastest);
        assert_eq!(select(Some("".into())).ok(), fastest);
        for level in Isa::ALL {
            let selected = select(Some(level.name().into()));
            assert_eq!(selected.is_ok(), level.is_supported(), "{level}");
            assert!(selected.is_err() || selected == Ok(level), "{level}");
        }
        for word in ["AVX2", "avx521", " avx2", "fast", "0"] {
            let error = select(Some(word.into())).unwrap_err();
            assert_eq!(error.got, word);
            let told = error.to_string();
            assert!(
                told.contains("COLIDX_KERNELS") && told.contains(word),
                "{told}"
            );
            // A level that is added must be told of.
            assert!(Isa::ALL.iter().all(|level| told.contains(level.name())));
        }
    }

    #[test]
    #[should_panic(expected = "not supported by this processor")]
    fn a_foreign_level_is_refused() {
        let foreign = if cfg!(target_arch = "aarch64") {
            Isa::Avx2
        } else {
            Isa::Neon
        };
        foreign.dots(&[], &crate::Panels::new(&[], 1), &mut []);
    }
}
