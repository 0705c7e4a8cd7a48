//! The one module that maps files: all `unsafe` of this crate is here.
#![allow(unsafe_code)] // a memory map is unsafe by nature; the reasons why it is sound are below

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// No bytes, at an address that suits every type, as a mapped file's does.
#[repr(align(64))]
struct Aligned([u8; 0]);
static EMPTY: Aligned = Aligned([]);

/// The bytes of a whole file, mapped read-only and shared.
///
/// Cloning shares the map; it is unmapped when the last clone is dropped. Pages are read from disk
/// when they are first touched and can be dropped by the system at any time.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    map: Option<Arc<Mmap>>,
}

impl Bytes {
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // An empty file cannot be mapped on every system, and needs no map.
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: index files are written once under a new name, synced, and never modified or
        // truncated afterwards by colidx (index-format.md, "What writers owe"); replaced files are
        // unlinked, which leaves existing maps intact. Another program that truncates a file in
        // place can make an access fault, as with every memory-mapped store; the README says so.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self {
            map: Some(Arc::new(map)),
        })
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().map_or(&EMPTY.0, |m| m)
    }
}
