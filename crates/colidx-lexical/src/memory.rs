//! An index held in memory: for tests, and for few documents.

use crate::error::Error;
use crate::format::TAGS;
use crate::read::Reader;
use crate::write::{Scratch, ScratchFile, Sections};

/// Temporary files in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryScratch;

impl Scratch for MemoryScratch {
    type Error = Error;
    type File = Vec<u8>;

    fn create(&mut self) -> Result<Self::File, Error> {
        Ok(Vec::new())
    }
}

impl ScratchFile for Vec<u8> {
    type Error = Error;

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let start = usize::try_from(offset).ok();
        let from = start.and_then(|start| self.get(start..)?.get(..bytes.len()));
        let from = from.ok_or_else(|| {
            Error::damaged("", "a scratch file", format!("{offset} bytes"), self.len())
        })?;
        bytes.copy_from_slice(from);
        Ok(())
    }
}

/// Sections in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemorySections {
    sections: Vec<([u8; 4], Vec<u8>)>,
}

impl MemorySections {
    /// The bytes of a section.
    pub fn get(&self, tag: [u8; 4]) -> Option<&[u8]> {
        let section = self.sections.iter().find(|(of, _)| *of == tag);
        section.map(|(_, bytes)| &bytes[..])
    }

    /// Reads the sections.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader<&[u8]>, Error> {
        Reader::open(|tag| self.get(tag))
    }

    /// Bytes of all sections but some.
    pub fn bytes_without(&self, tags: &[[u8; 4]]) -> usize {
        let counted = TAGS.iter().filter(|tag| !tags.contains(tag));
        counted
            .filter_map(|&tag| self.get(tag))
            .map(<[u8]>::len)
            .sum()
    }
}

impl Sections for MemorySections {
    type Error = Error;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), Error> {
        self.sections.push((tag, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some((_, section)) = self.sections.last_mut() {
            section.extend_from_slice(bytes);
        }
        Ok(())
    }
}
