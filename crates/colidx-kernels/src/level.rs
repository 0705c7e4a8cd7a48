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
pub enum Level {
    /// Portable Rust, the oracle of the others. On processors without fused multiply-add (x86-64 before 2013) the
    /// `fma` is computed in software: correct, and many times slower.
    Scalar,
    /// x86-64 with AVX2 and FMA (Haswell, Zen and later).
    Avx2,
    /// x86-64 with AVX-512 F, BW and VL (Skylake-X, Zen 4 and later), with VNNI where there is VNNI.
    Avx512,
    /// The same with AMX (Sapphire Rapids and later), whose tiles multiply bytes eight times faster. Linux lends tiles only to
    /// a process that asks, and takes them back only when it ends. To run at this level, or to ask whether it
    /// [is supported](Level::is_supported), is to ask for them; see the crate's documentation for what follows.
    Amx,
    /// AArch64, where NEON is always present.
    Neon,
}

impl Level {
    /// All levels, slowest first.
    pub const ALL: [Level; 5] = [
        Level::Scalar,
        Level::Neon,
        Level::Avx2,
        Level::Avx512,
        Level::Amx,
    ];

    /// The name that `COLIDX_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Amx => "amx",
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
            #[cfg(target_arch = "x86_64")]
            Level::Amx => Level::Avx512.is_supported() && crate::amx::available(),
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
    pub fn supported() -> impl DoubleEndedIterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| level.is_supported())
    }

    /// The fastest one that this processor can run.
    fn fastest() -> Level {
        Level::supported().next_back().unwrap_or(Level::Scalar)
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

/// `COLIDX_KERNELS` names no level, or one that this processor cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel {
    /// What it says.
    pub got: String,
}

impl UnknownLevel {
    /// What it may say, in words.
    pub const EXPECTED: &'static str =
        "scalar, avx2, avx512, amx or neon, and of these one that this processor can run";
}

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = UnknownLevel::EXPECTED;
        write!(
            f,
            "{VARIABLE} is `{}`, but must be {expected}; without it the fastest is chosen",
            self.got
        )
    }
}

impl std::error::Error for UnknownLevel {}

/// The level that the environment variable `COLIDX_KERNELS` chooses (`scalar`, `avx2`, `avx512`, `amx` or `neon`), or the
/// fastest one that the processor supports where it is not set or empty. It is read once.
///
/// # Errors
/// It says anything else, or names a level that this processor cannot run.
pub fn selection() -> Result<Level, UnknownLevel> {
    static SELECTION: OnceLock<Result<Level, UnknownLevel>> = OnceLock::new();
    let selection = SELECTION.get_or_init(|| select(std::env::var_os(VARIABLE)));
    selection.clone()
}

fn select(word: Option<OsString>) -> Result<Level, UnknownLevel> {
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return Ok(Level::fastest());
    };
    // Of the one alone that is named is asked whether it is supported: to ask for AMX is to turn it on.
    let named = Level::ALL.into_iter().find(|level| word == level.name());
    let found = named.filter(|level| level.is_supported());
    found.ok_or_else(|| UnknownLevel {
        got: word.to_string_lossy().into_owned(),
    })
}

/// The level the free functions of this crate run at: that of [`selection`], or where it is an error [`Level::Scalar`], so
/// that nothing is used which was not asked for. Whoever can report errors looks at [`selection`] first.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| selection().unwrap_or(Level::Scalar))
}

/// Calls `kernel` of the sibling module that belongs to a level.
///
/// The caller has checked the lengths of all slices; that is the other half of what each kernel's `# Safety` asks for.
macro_rules! dispatch {
    ($level:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $level.checked() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX-512, and the caller of `dispatch` the lengths.
            $crate::Level::Avx512 | $crate::Level::Amx => unsafe { avx512::$kernel($($argument),*) },
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
    fn a_word_chooses_its_level_or_is_an_error() {
        let fastest = Level::supported().next_back();
        assert_eq!(select(None).ok(), fastest);
        assert_eq!(select(Some("".into())).ok(), fastest);
        for level in Level::ALL {
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
            assert!(Level::ALL.iter().all(|level| told.contains(level.name())));
        }
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
