//! Files and sections in memory: for tests, and for few documents.

use crate::{Scratch, ScratchFile, Sections};
use std::marker::PhantomData;

/// Temporary files in memory. `E` is the error of whoever writes; it never comes from here.
#[derive(Debug, Clone, Copy)]
pub struct MemoryScratch<E>(PhantomData<E>);

impl<E> MemoryScratch<E> {
    /// Makes files in memory.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Default for MemoryScratch<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Scratch for MemoryScratch<E> {
    type Error = E;
    type File = MemoryFile<E>;

    fn create(&mut self) -> Result<MemoryFile<E>, E> {
        Ok(MemoryFile {
            bytes: Vec::new(),
            error: PhantomData,
        })
    }
}

/// A temporary file in memory.
#[derive(Debug)]
pub struct MemoryFile<E> {
    bytes: Vec<u8>,
    error: PhantomData<E>,
}

impl<E> ScratchFile for MemoryFile<E> {
    type Error = E;

    fn append(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Panics where there are fewer bytes: only a fault of the writer asks for them.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), E> {
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }
}

/// Sections in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemorySections<E> {
    sections: Vec<([u8; 4], Vec<u8>)>,
    error: PhantomData<E>,
}

impl<E> MemorySections<E> {
    /// The bytes of a section.
    pub fn get(&self, tag: [u8; 4]) -> Option<&[u8]> {
        let section = self.sections.iter().find(|(of, _)| *of == tag);
        section.map(|(_, bytes)| &bytes[..])
    }

    /// Tags and bytes of all sections, in order.
    pub fn iter(&self) -> impl Iterator<Item = ([u8; 4], &[u8])> {
        self.sections.iter().map(|(tag, bytes)| (*tag, &bytes[..]))
    }
}

impl<E> Default for MemorySections<E> {
    fn default() -> Self {
        Self {
            sections: Vec::new(),
            error: PhantomData,
        }
    }
}

impl<E> Sections for MemorySections<E> {
    type Error = E;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), E> {
        self.sections.push((tag, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), E> {
        if let Some((_, section)) = self.sections.last_mut() {
            section.extend_from_slice(bytes);
        }
        Ok(())
    }
}
