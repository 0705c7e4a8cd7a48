//! Writing a file, front to back.

use super::{
    Checkpoint, END_MAGIC, Entry, FOOTER, FeatureBits, FileDigest, Footer, HEADER, Header, MAGIC,
};
use crate::error::{FormatErrorKind, Result};
use crate::format::{ALIGNMENT, FORMAT_VERSION, FileKind, Tag, checksum};
use crate::storage::{Directory, OutputFile};
use xxhash_rust::xxh3::Xxh3Default;

/// Writes one file, section after section.
pub(crate) struct FrameWriter {
    out: OutputFile,
    entries: Vec<Entry>,
    open: Option<(Tag, u64, Xxh3Default)>,
}

impl FrameWriter {
    pub(crate) fn create(directory: &Directory, name: &str, kind: FileKind) -> Result<Self> {
        Self::create_with(directory, name, kind, FeatureBits::default())
    }

    /// As [`FrameWriter::create`], with features.
    pub(crate) fn create_with(
        directory: &Directory,
        name: &str,
        kind: FileKind,
        features: FeatureBits,
    ) -> Result<Self> {
        let mut out = directory.create(name)?;
        out.write(bytemuck::bytes_of(&header(kind, features)))?;
        Ok(Self {
            out,
            entries: Vec::new(),
            open: None,
        })
    }

    /// Resumes the only section of an unfinished file after the bytes of a
    /// [`FrameWriter::checkpoint`].
    pub(crate) fn resume(
        directory: &Directory,
        name: &str,
        kind: FileKind,
        tag: Tag,
        checkpoint: Checkpoint,
    ) -> Result<Self> {
        let (bytes, hash) = checkpoint.read(directory, name, HEADER)?;
        if bytes[..HEADER] != *bytemuck::bytes_of(&header(kind, FeatureBits::default())) {
            return Err(FormatErrorKind::invalid(
                "header",
                "bytes",
                format!("those of an unfinished {} file", kind.tag()),
                "others",
            )
            .at(&directory.file_path(name)));
        }
        Ok(Self {
            out: directory.append(name, checkpoint.length)?,
            entries: Vec::new(),
            open: Some((tag, HEADER as u64, hash)),
        })
    }

    /// Bytes so far in the current section.
    pub(crate) fn section_length(&self) -> u64 {
        let begun = self.open.as_ref().map(|(_, offset, _)| *offset);
        self.out.position() - begun.unwrap_or(self.out.position())
    }

    /// Returns when every byte so far is on disk.
    pub(crate) fn checkpoint(&mut self) -> Result<Checkpoint> {
        self.out.sync()?;
        Ok(Checkpoint {
            length: self.out.position(),
            checksum: match &self.open {
                Some((_, _, hash)) => hash.digest(),
                None => 0,
            },
        })
    }

    /// Ends the current section, if any, and begins one.
    pub(crate) fn begin(&mut self, tag: Tag) -> Result<()> {
        self.end()?;
        self.pad()?;
        self.open = Some((tag, self.out.position(), Xxh3Default::new()));
        Ok(())
    }

    /// Appends to the current section.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some((_, _, hash)) = &mut self.open {
            hash.update(bytes);
        }
        self.out.write(bytes)
    }

    /// Writes a whole section.
    pub(crate) fn section(&mut self, tag: Tag, bytes: &[u8]) -> Result<()> {
        self.begin(tag)?;
        self.write(bytes)
    }

    fn end(&mut self) -> Result<()> {
        if let Some((tag, offset, hash)) = self.open.take() {
            self.entries.push(Entry {
                tag,
                reserved: 0,
                offset,
                length: self.out.position() - offset,
                checksum: hash.digest(),
            });
        }
        Ok(())
    }

    fn pad(&mut self) -> Result<()> {
        let rest = self.out.position() % ALIGNMENT;
        if rest != 0 {
            self.out.write(&[0; ALIGNMENT as usize][rest as usize..])?;
        }
        Ok(())
    }

    /// Writes directory and footer and returns when everything is on disk.
    pub(crate) fn finish(mut self) -> Result<FileDigest> {
        self.end()?;
        self.pad()?;
        let directory_offset = self.out.position();
        let directory: &[u8] = bytemuck::cast_slice(&self.entries);
        self.out.write(directory)?;
        self.pad()?;
        let mut footer = Footer {
            directory_offset,
            sections: self.entries.len() as u32,
            reserved0: 0,
            directory_checksum: checksum(bytemuck::cast_slice(&self.entries)),
            file_length: self.out.position() + FOOTER as u64,
            reserved1: [0; 2],
            checksum: 0,
            magic: END_MAGIC,
        };
        footer.checksum = checksum(&bytemuck::bytes_of(&footer)[..FOOTER - 16]);
        self.out.write(bytemuck::bytes_of(&footer))?;
        let digest = FileDigest {
            length: footer.file_length,
            checksum: footer.checksum,
        };
        self.out.sync()?;
        Ok(digest)
    }
}

fn header(kind: FileKind, features: FeatureBits) -> Header {
    let mut header = Header {
        magic: MAGIC,
        kind: kind.tag(),
        version: FORMAT_VERSION,
        reserved0: 0,
        required_features: features.required,
        optional_features: features.optional,
        reserved1: [0; 3],
        checksum: 0,
    };
    header.checksum = checksum(&bytemuck::bytes_of(&header)[..HEADER - 8]);
    header
}
