//! Stored text: title, text and metadata of every document, in zstd blocks.
//!
//! A block holds whole documents, about [`BLOCK_BYTES`] of them, so that reading one document
//! decompresses little and compression still has something to work with.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{FileDigest, Frame, FrameWriter, Section};
use crate::format::{FileKind, MAX_DOCUMENT_BYTES, Tag, file_name, metadata};
use crate::segment::documents::Documents;
use crate::storage::Directory;
use bytemuck::{Pod, Zeroable};
use std::io::Read;

const BLOCKS: Tag = Tag(*b"BLKS");
const DATA: Tag = Tag(*b"DATA");

/// A block is closed when it holds at least this many bytes.
const BLOCK_BYTES: usize = 32 << 10;

/// A higher level doubles the time for a few per cent of size.
const ZSTD_LEVEL: i32 = 6;

/// What a zstd frame begins with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The largest window a frame may ask for, as a power of two. No block is larger, and a decoder
/// allocates as much as a frame asks for.
const WINDOW_LOG: u32 = 26;

/// Title, text and metadata lengths before each document's bytes.
const RECORD_HEADER: usize = 12;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Block {
    /// Where the compressed block begins in `DATA`; it ends where the next begins.
    offset: u64,
    /// Number of the first document in the block.
    first_document: u32,
    /// Bytes of the block when decompressed.
    length: u32,
}

/// The stored fields of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredText {
    pub title: String,
    pub text: String,
    /// A JSON object, or empty.
    pub metadata: String,
}

/// The stored fields of a document, where they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextFields<'a> {
    pub title: &'a str,
    pub text: &'a str,
    pub metadata: &'a str,
}

pub(crate) struct TextWriter {
    frame: FrameWriter,
    blocks: Vec<Block>,
    block: Vec<u8>,
    /// Documents in the block that is filled.
    block_documents: u32,
    /// Documents in the blocks that are written.
    documents: u32,
    offset: u64,
}

impl TextWriter {
    pub(crate) fn create(directory: &Directory, number: u32) -> Result<Self> {
        let name = file_name(FileKind::Text, number);
        let mut frame = FrameWriter::create(directory, &name, FileKind::Text)?;
        frame.begin(DATA)?;
        Ok(Self {
            frame,
            blocks: Vec::new(),
            block: Vec::new(),
            block_documents: 0,
            documents: 0,
            offset: 0,
        })
    }

    pub(crate) fn push(&mut self, key: &str, fields: [&str; 3]) -> Result<()> {
        let got = fields.iter().map(|f| f.len()).sum();
        if got > MAX_DOCUMENT_BYTES {
            return Err(Error::DocumentTooLarge {
                key: key.into(),
                got,
                max: MAX_DOCUMENT_BYTES,
            });
        }
        for field in fields {
            self.block
                .extend_from_slice(&(field.len() as u32).to_le_bytes());
        }
        for field in fields {
            self.block.extend_from_slice(field.as_bytes());
        }
        self.block_documents += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.close_block()?;
        }
        Ok(())
    }

    /// Appends documents of another segment, in ascending order; `all` are those of that segment. A
    /// full block of which every document is wanted is copied as it is.
    pub(crate) fn copy(&mut self, from: &Text, all: &Documents, documents: &[u32]) -> Result<()> {
        let mut rest = documents;
        while let Some(&first) = rest.first() {
            let at = from.block_of(first)?;
            let begins = from.blocks[at].first_document;
            let end = from
                .blocks
                .get(at + 1)
                .map_or(all.len(), |b| b.first_document);
            let wanted;
            (wanted, rest) = rest.split_at(rest.partition_point(|&d| d < end).max(1));
            let length = from.blocks[at].length;
            let whole = u64::from(begins) + wanted.len() as u64 == u64::from(end);
            if whole && length as usize >= BLOCK_BYTES {
                self.close_block()?;
                let documents = wanted.len() as u32;
                self.write_block(from.compressed(at)?, length, documents)?;
                continue;
            }
            let block = from.decompress(at)?;
            for &document in wanted {
                let stored = from.record(at, &block, document)?;
                let fields = [&stored.title[..], &stored.text, &stored.metadata];
                self.push(all.key(document)?, fields)?;
            }
        }
        Ok(())
    }

    fn close_block(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let compressed = zstd::bulk::compress(&self.block, ZSTD_LEVEL)
            .map_err(|e| Error::io("cannot compress text for", std::path::Path::new("text"))(e))?;
        let documents = std::mem::take(&mut self.block_documents);
        self.write_block(&compressed, self.block.len() as u32, documents)?;
        self.block.clear();
        // One huge document does not keep its memory to the end.
        self.block.shrink_to(2 * BLOCK_BYTES);
        Ok(())
    }

    fn write_block(&mut self, compressed: &[u8], length: u32, documents: u32) -> Result<()> {
        self.frame.write(compressed)?;
        self.blocks.push(Block {
            offset: self.offset,
            first_document: self.documents,
            length,
        });
        self.offset += compressed.len() as u64;
        self.documents += documents;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<FileDigest> {
        self.close_block()?;
        self.frame
            .section(BLOCKS, bytemuck::cast_slice(&self.blocks))?;
        self.frame.finish()
    }
}

/// Stored text of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub frame: Frame,
    blocks: Section<Block>,
    data: Section<u8>,
}

impl Text {
    pub(crate) fn open(frame: Frame) -> Result<Self> {
        Ok(Self {
            blocks: frame.section(BLOCKS)?,
            data: frame.section(DATA)?,
            frame,
        })
    }

    /// The stored fields of one document.
    pub(crate) fn get(&self, document: u32) -> Result<StoredText> {
        let at = self.block_of(document)?;
        self.record(at, &self.decompress(at)?, document)
    }

    /// The stored fields of several documents in ascending order. Each block is decompressed once,
    /// and the memory of the file is given up.
    pub(crate) fn get_many(&self, documents: &[u32]) -> Result<Vec<StoredText>> {
        let mut open: Option<(usize, Vec<u8>)> = None;
        let mut texts = Vec::with_capacity(documents.len());
        for &document in documents {
            let at = self.block_of(document)?;
            let block = match open.take() {
                Some((opened, block)) if opened == at => block,
                _ => self.decompress(at)?,
            };
            texts.push(self.record(at, &block, document)?);
            open = Some((at, block));
        }
        self.data.advise_dontneed();
        Ok(texts)
    }

    /// Calls `visit` with every document and its fields, in order. The memory of the file is given
    /// up.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(u32, TextFields<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut document = 0;
        for at in 0..self.blocks.len() {
            let block = self.decompress(at)?;
            let mut records = Records::new(&block);
            while let Some(fields) = records.next() {
                let [title, text, metadata] = self.fields(document, Some(fields))?;
                visit(
                    document,
                    TextFields {
                        title,
                        text,
                        metadata,
                    },
                )?;
                document += 1;
            }
        }
        self.data.advise_dontneed();
        Ok(())
    }

    /// How many of the documents, in ascending order, are in blocks of at most `bytes` in all when
    /// decompressed; at least one.
    pub(crate) fn fitting(&self, documents: &[u32], bytes: usize) -> Result<usize> {
        let (mut held, mut before) = (0, None);
        for (count, &document) in documents.iter().enumerate() {
            let at = self.block_of(document)?;
            if before.replace(at) != Some(at) {
                held += self.blocks[at].length as usize;
            }
            if held > bytes && count > 0 {
                return Ok(count);
            }
        }
        Ok(documents.len())
    }

    fn block_of(&self, document: u32) -> Result<usize> {
        let at = self
            .blocks
            .partition_point(|b| b.first_document <= document);
        at.checked_sub(1)
            .ok_or_else(|| self.invalid(BLOCKS, document, "a block that holds it", "none"))
    }

    fn record(&self, at: usize, block: &[u8], document: u32) -> Result<StoredText> {
        let fields = nth_record(block, document - self.blocks[at].first_document);
        let [title, text, metadata] = self.fields(document, fields)?;
        Ok(StoredText {
            title: title.into(),
            text: text.into(),
            metadata: metadata.into(),
        })
    }

    /// The fields of a document's record, of allowed size.
    fn fields<'b>(&self, document: u32, fields: Option<[&'b [u8]; 3]>) -> Result<[&'b str; 3]> {
        let damaged = |got| self.invalid(DATA, document, "three UTF-8 fields", got);
        let fields = fields.ok_or_else(|| damaged("none"))?;
        let bytes: usize = fields.iter().map(|field| field.len()).sum();
        if bytes > MAX_DOCUMENT_BYTES {
            let expected = format!("at most {MAX_DOCUMENT_BYTES} bytes");
            return Err(self.invalid(DATA, document, &expected, bytes));
        }
        let mut texts = [""; 3];
        for (text, field) in texts.iter_mut().zip(fields) {
            *text = std::str::from_utf8(field).map_err(|_| damaged("other bytes"))?;
        }
        Ok(texts)
    }

    fn compressed(&self, at: usize) -> Result<&[u8]> {
        let block = self.blocks[at];
        let end = self
            .blocks
            .get(at + 1)
            .map_or(self.data.len() as u64, |b| b.offset);
        let range = usize::try_from(block.offset)
            .ok()
            .zip(usize::try_from(end).ok());
        let compressed = range.and_then(|(s, e)| {
            self.data.advise_willneed(s..e);
            self.data.get(s..e)
        });
        compressed.ok_or_else(|| self.invalid(BLOCKS, at, "a range inside DATA", block.offset))
    }

    fn decompress(&self, at: usize) -> Result<Vec<u8>> {
        let compressed = self.compressed(at)?;
        let length = self.blocks[at].length as usize;
        if length > MAX_DOCUMENT_BYTES + BLOCK_BYTES + 2 * RECORD_HEADER {
            return Err(self.invalid(BLOCKS, at, "a block of allowed length", length));
        }
        // Two frames, or one that is to be skipped, would decompress as well.
        let one = compressed.starts_with(&ZSTD_MAGIC)
            && zstd::zstd_safe::find_frame_compressed_size(compressed) == Ok(compressed.len());
        if !one {
            return Err(self.invalid(DATA, at, "one zstd frame", "other bytes"));
        }
        // Grows with what is really there, so a forged length allocates nothing.
        let mut bytes = Vec::new();
        zstd::stream::read::Decoder::with_buffer(compressed)
            .and_then(|mut decoder| {
                decoder.window_log_max(WINDOW_LOG)?;
                decoder.take(length as u64 + 1).read_to_end(&mut bytes)
            })
            .map_err(|e| self.invalid(DATA, at, "a zstd frame", e))?;
        if bytes.len() != length {
            return Err(self.invalid(DATA, at, &format!("{length} bytes"), bytes.len()));
        }
        Ok(bytes)
    }

    fn invalid(&self, tag: Tag, at: impl ToString, expected: &str, got: impl ToString) -> Error {
        let field = format!("entry {}", at.to_string());
        self.frame
            .error(FormatErrorKind::invalid(tag, field, expected, got))
    }

    pub(crate) fn verify(&self, documents: u32) -> Result<()> {
        // Blocks lie one after the other, from the beginning of the data to its end.
        let begins = self
            .blocks
            .first()
            .map_or(self.data.len() as u64, |b| b.offset);
        if begins != 0 {
            return Err(self.invalid(BLOCKS, 0, "an offset of 0", begins));
        }
        let mut document = 0;
        for (at, block) in self.blocks.iter().enumerate() {
            if block.first_document != document {
                let expected = format!("first document {document}");
                return Err(self.invalid(BLOCKS, at, &expected, block.first_document));
            }
            let bytes = self.decompress(at)?;
            if bytes.is_empty() {
                return Err(self.invalid(BLOCKS, at, "a document at least", "none"));
            }
            let mut records = Records::new(&bytes);
            while let Some(fields) = records.next() {
                let [_, _, metadata] = self.fields(document, Some(fields))?;
                metadata::check(metadata).map_err(|problem| {
                    self.invalid(DATA, document, "metadata that is a JSON object", problem)
                })?;
                document += 1;
            }
            if !records.rest.is_empty() {
                return Err(self.invalid(DATA, at, "whole records", records.rest.len()));
            }
        }
        if document != documents {
            let expected = format!("{documents} documents in all blocks");
            return Err(self.invalid(BLOCKS, self.blocks.len(), &expected, document));
        }
        Ok(())
    }
}

fn nth_record(block: &[u8], n: u32) -> Option<[&[u8]; 3]> {
    let mut records = Records::new(block);
    for _ in 0..n {
        records.next()?;
    }
    records.next()
}

/// Walks the records of a decompressed block.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    fn new(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    fn next(&mut self) -> Option<[&'a [u8]; 3]> {
        let (header, mut rest) = self.rest.split_at_checked(RECORD_HEADER)?;
        let mut fields: [&[u8]; 3] = [&[]; 3];
        for (field, length) in fields.iter_mut().zip(header.chunks_exact(4)) {
            let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
            (*field, rest) = rest.split_at_checked(length)?;
        }
        self.rest = rest;
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_comes_back_across_blocks() {
        let directory = Directory::memory();
        let mut w = TextWriter::create(&directory, 1).unwrap();
        let long = "x ".repeat(BLOCK_BYTES);
        let texts: Vec<(String, &str)> = (0..3000)
            .map(|i| {
                (
                    format!("title {i}"),
                    if i == 1500 { long.as_str() } else { "körper" },
                )
            })
            .collect();
        for (title, text) in &texts {
            w.push("k", [title, text, "{}"]).unwrap();
        }
        let digest = w.finish().unwrap();
        let name = file_name(FileKind::Text, 1);
        let frame = Frame::open(&directory, &name, FileKind::Text, Some(digest)).unwrap();
        let text = Text::open(frame).unwrap();
        text.verify(3000).unwrap();
        let all: Vec<u32> = (0..3000).collect();
        assert_eq!(text.fitting(&all, usize::MAX).unwrap(), 3000);
        assert_eq!(text.fitting(&all[1500..], 1).unwrap(), 1);
        let some = text.fitting(&all, 2 * BLOCK_BYTES).unwrap();
        assert!((1000..=1500).contains(&some), "{some}");
        assert!(text.verify(2999).is_err());
        for i in [0, 1, 1499, 1500, 1501, 2999] {
            let stored = text.get(i).unwrap();
            assert_eq!(stored.title, texts[i as usize].0);
            assert_eq!(stored.text, texts[i as usize].1);
            assert_eq!(stored.metadata, "{}");
        }
        assert!(text.get(3000).is_err());
    }

    #[test]
    fn a_document_over_the_limit_is_refused() {
        let mut w = TextWriter::create(&Directory::memory(), 1).unwrap();
        let long = "x".repeat(MAX_DOCUMENT_BYTES + 1);
        assert!(matches!(
            w.push("k", ["", &long, ""]),
            Err(Error::DocumentTooLarge { .. })
        ));
    }
}
