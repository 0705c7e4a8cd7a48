//! The bytes of a file, mapped or in memory. The one module that maps files: all `unsafe` of this
//! crate is here.
#![allow(unsafe_code)] // a memory map is unsafe by nature; the reasons why it is sound are below

use super::aligned::AlignedBytes;
use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// How often this thread had to wait for a page from disk, where the system tells; elsewhere how
/// often the process had to.
pub(crate) fn major_faults() -> u64 {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        let whose = UsageWho::RUSAGE_THREAD;
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let whose = UsageWho::RUSAGE_SELF;
        let usage = getrusage(whose);
        usage.map_or(0, |usage| usage.major_page_faults() as u64)
    }
    #[cfg(not(unix))]
    0
}

/// The bytes of a whole file, read-only and shared, at an address that is a multiple of 64.
///
/// Cloning shares them; they are given back when the last clone is dropped. Pages of a mapped file
/// are read from disk when they are first touched and can be dropped by the system at any time.
#[derive(Debug, Clone)]
pub struct Bytes(Of);

#[derive(Debug, Clone)]
enum Of {
    Map(Arc<Mmap>),
    Memory(Arc<AlignedBytes>),
}

impl Bytes {
    pub(super) fn map(file: &File) -> io::Result<Self> {
        // An empty file cannot be mapped on every system, and needs no map.
        if file.metadata()?.len() == 0 {
            return Ok(Self::from(&[][..]));
        }
        // SAFETY: index files are written once under a new name, synced, and never modified or
        // truncated afterwards by colidx (index-format.md, "Duties of writers"); replaced files are
        // unlinked, which leaves existing maps intact. Files of an unfinished build are mapped only
        // by the builder itself, which reads them up to a length that it never cuts. Another
        // program that truncates a file in place can make an access fault, as with every
        // memory-mapped store; the README says so.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self(Of::Map(Arc::new(map))))
    }

    /// Advises random access (`MADV_RANDOM`): a fault then loads one page and not the read-ahead
    /// window. Sequential readers call [`Bytes::advise_willneed`] instead.
    pub(crate) fn advise_random(&self) {
        #[cfg(unix)]
        if let Of::Map(map) = &self.0 {
            let _ = map.advise(memmap2::Advice::Random);
        }
    }

    /// Starts reading a range from disk (`MADV_WILLNEED`), at once and not page by page.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "no advice to give"))]
    pub(crate) fn advise_willneed(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Of::Map(map) = &self.0 {
            // Advice only makes things faster, so that it may fail.
            let _ = map.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
        }
    }

    /// Drops the pages of a range after use (`MADV_DONTNEED`), so that a sequential read never
    /// holds the whole file.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "no advice to give"))]
    pub(crate) fn advise_dontneed(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Of::Map(map) = &self.0 {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is of a file and read-only, so a page that was given up comes back
            // from the file with what it held, whoever else reads it.
            let _ = unsafe { map.unchecked_advise_range(advice, range.start, range.len()) };
        }
    }

    pub(super) fn shared(bytes: Arc<AlignedBytes>) -> Self {
        Self(Of::Memory(bytes))
    }
}

/// A copy of bytes in memory, for a [`super::Storage`] that has no files to map.
impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::shared(Arc::new(AlignedBytes::from(bytes)))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Of::Map(map) => map,
            Of::Memory(bytes) => bytes,
        }
    }
}
