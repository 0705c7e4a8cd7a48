//! AMX (Sapphire Rapids and later): tile registers of 16 rows of 64 bytes. One instruction
//! multiplies two tiles, 16,384 multiply-adds of bytes, eight times the rate of VNNI.
//!
//! Rust has no stable intrinsics for AMX yet, so the kernels are short pieces of inline assembly.

use std::arch::asm;
use std::sync::OnceLock;

/// Rows of a tile, and its columns of 32 bits.
pub(crate) const ROWS: usize = 16;

/// Bytes of a full tile.
pub(crate) const TILE: usize = 1024;

/// Bytes of a full row: the distance of rows where tiles are contiguous.
pub(crate) const LINE: usize = 64;

/// Whether this processor has AMX for bytes and Linux grants it. Linux is asked once, and cannot be
/// notified later that the tiles are no longer needed.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| !cfg!(miri) && has_tiles() && is_permitted())
}

/// Whether the processor has AMX-TILE and AMX-INT8 (CPUID leaf 7), and the operating system saves
/// the tiles (XCR0: TILECFG and TILEDATA).
fn has_tiles() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    const AMX: u32 = 1 << 24 | 1 << 25;
    const XSAVE_ON: u32 = 1 << 27;
    const KEPT: u64 = 1 << 17 | 1 << 18;

    #[target_feature(enable = "xsave")]
    fn kept() -> u64 {
        // SAFETY: register 0 is there wherever the operating system has turned XSAVE on.
        unsafe { _xgetbv(0) }
    }

    #[allow(unused_unsafe, reason = "in older versions of Rust these are unsafe")]
    // SAFETY: every x86-64 processor has CPUID.
    let (extended, basic) = unsafe {
        if __cpuid(0).eax < 7 {
            return false;
        }
        (__cpuid_count(7, 0).edx, __cpuid(1).ecx)
    };
    if extended & AMX != AMX || basic & XSAVE_ON == 0 {
        return false;
    }
    // SAFETY: XSAVE is there where it is turned on.
    unsafe { kept() & KEPT == KEPT }
}

/// Asks Linux for the memory that tiles are saved in, eight kilobytes a thread
/// (`arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`). From then on Linux refuses signal
/// stacks that are too small to save tiles. The stacks of Rust are large enough; where smaller ones
/// exist already, Linux refuses the request.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;
    let result: i64;
    // SAFETY: a system call with two integers that touches no memory of ours; its clobbers are
    // listed.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// No other system is known to save tiles.
#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

/// Splits a product over `bytes` bytes into equal steps of at most a tile row: the number of steps
/// and the bytes of each. `None` if equal steps of whole groups of four bytes are not possible.
pub(crate) fn steps(bytes: usize) -> Option<(usize, usize)> {
    let steps = bytes.div_ceil(LINE);
    (bytes > 0 && bytes.is_multiple_of(4 * steps)).then(|| (steps, bytes / steps))
}

/// Configured tiles: 0 to 3 for sums, `[16][16]` i32; 4 to 6 for rows, `[16][depth]` bytes; 7 for
/// columns, `[depth / 4][16][4]`. Dropping releases them, so that the system need not save them on
/// a context switch.
///
/// Configuring takes as long as ten products, and the multiplier powers down after half a
/// microsecond without work and takes a third of one to wake up: use tiles for many products at a
/// time.
pub(crate) struct Tiles(());

impl Tiles {
    /// # Safety
    /// Tiles are [`available`], and the thread has no others; `depth` is one of [`steps`].
    #[inline(always)]
    pub(crate) unsafe fn new(depth: usize) -> Self {
        // SAFETY: there are tiles, and the shapes are of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &shapes(depth), options(nostack, readonly)) };
        Tiles(())
    }
}

impl Drop for Tiles {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: a value exists only where there are tiles.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// The tile configuration: rows, and bytes per row, of each tile.
#[repr(C, align(64))]
struct Shapes([u64; 8]);

/// Palette 1: bytes per row from byte 16 on, two bytes for each tile; rows from byte 48 on, one
/// byte for each.
#[inline(always)]
fn shapes(depth: usize) -> Shapes {
    const PALETTE: u64 = 1;
    const LINES: u64 = LINE as u64 * 0x1_0001_0001_0001;
    const ALL_ROWS: u64 = ROWS as u64 * 0x101_0101_0101_0101;
    let (depth, line, rows) = (depth as u64, LINE as u64, ROWS as u64);
    let row_bytes = [LINES, depth | depth << 16 | depth << 32 | line << 48];
    let rows = ALL_ROWS ^ ((rows ^ (depth / 4)) << 56);
    Shapes([PALETTE, 0, row_bytes[0], row_bytes[1], 0, 0, rows, 0])
}
