//! The manifest: which files make up the index, and what made them. One commit is one manifest.

use super::frame::{Frame, FrameWriter, Seal};
use super::model::ModelInfo;
use super::{MAX_CENTROIDS, MAX_DIM, Tag, file_name, file_number, kind};
use crate::error::{FormatErrorKind, Result};
use crate::storage::Directory;
use bytemuck::{Pod, Zeroable};
use std::collections::HashSet;
use std::hash::Hash;

pub(crate) const MANIFEST: &str = "manifest";
/// The next manifest, before it is put in place.
pub(crate) const MANIFEST_NEW: &str = "manifest.new";

const HEAD: Tag = Tag(*b"HEAD");
const FILES: Tag = Tag(*b"FILE");
const SEGMENTS: Tag = Tag(*b"SEGM");
const MODEL: Tag = Tag(*b"MODL");

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Head {
    generation: u64,
    seed: u64,
    dim: u32,
    nbits: u32,
    centroids: u32,
    next_file: u32,
    codebook_file: u32,
    segments: u32,
    flags: u64,
    reserved: u64,
    documents: u64,
}

/// `Head::flags`: token vectors have unit length and are brought to it when they are decoded.
const UNIT_LENGTH: u64 = 1;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct FileRecord {
    kind: Tag,
    number: u32,
    length: u64,
    checksum: u64,
    reserved: u64,
}

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct SegmentRecord {
    number: u32,
    documents: u32,
    vectors: u64,
    deleted_documents: u32,
    reserved: u32,
    deleted_vectors: u64,
    error: f64,
}

const _: () = assert!(size_of::<Head>() == 64);
const _: () = assert!(size_of::<FileRecord>() == 32 && size_of::<SegmentRecord>() == 40);

/// One file of the index, as the manifest records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileEntry {
    pub kind: Tag,
    pub number: u32,
    pub seal: Seal,
}

impl FileEntry {
    pub(crate) fn new(kind: Tag, number: u32, seal: Seal) -> Self {
        Self { kind, number, seal }
    }

    /// Whether it belongs to the segment of its number, and not to the whole index.
    pub(crate) fn is_of_segment(&self) -> bool {
        !matches!(self.kind, kind::CODEBOOK | kind::DELETIONS)
    }
}

/// One segment: documents that were written together, in files of the same number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SegmentEntry {
    pub number: u32,
    /// Documents in its files, those that were deleted since included.
    pub documents: u32,
    /// Token vectors in its files, likewise.
    pub vectors: u64,
    /// How many of the documents are deleted.
    pub deleted_documents: u32,
    /// How many of the vectors are theirs.
    pub deleted_vectors: u64,
    /// Mean squared distance of its vectors from their centroids when they were encoded; 0 without vectors.
    pub error: f64,
}

impl SegmentEntry {
    /// Documents that are not deleted.
    pub(crate) fn live_documents(&self) -> u32 {
        self.documents - self.deleted_documents
    }

    /// Token vectors of documents that are not deleted.
    pub(crate) fn live_vectors(&self) -> u64 {
        self.vectors - self.deleted_vectors
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// Counts commits, from 1.
    pub generation: u64,
    pub seed: u64,
    pub dim: usize,
    pub nbits: u32,
    pub centroids: usize,
    /// The next number a new file gets; numbers are never used twice.
    pub next_file: u32,
    pub codebook: u32,
    /// Whether token vectors have unit length, which decoding then restores.
    pub unit_length: bool,
    pub files: Vec<FileEntry>,
    pub segments: Vec<SegmentEntry>,
    pub model: Option<ModelInfo>,
}

impl Manifest {
    /// Reads and fully checks the manifest, whose every section is small.
    pub(crate) fn open(directory: &Directory) -> Result<(Self, Frame)> {
        Self::open_as(directory, MANIFEST)
    }

    /// As [`Manifest::open`], under either name.
    pub(crate) fn open_as(directory: &Directory, name: &str) -> Result<(Self, Frame)> {
        let frame = Frame::open(directory, name, kind::MANIFEST, None)?;
        frame.check_all()?;
        let manifest = Self::parse(&frame)?;
        Ok((manifest, frame))
    }

    fn parse(frame: &Frame) -> Result<Self> {
        let invalid = |section: Tag, field: &str, expected: String, got: String| {
            frame.error(FormatErrorKind::invalid(section, field, expected, got))
        };
        let head = frame.section_of::<Head>(HEAD, 1)?[0];
        if !matches!(head.nbits, 1 | 2 | 4 | 8) {
            return Err(invalid(
                HEAD,
                "nbits",
                "1, 2, 4 or 8".into(),
                head.nbits.to_string(),
            ));
        }
        if !(1..=MAX_DIM).contains(&(head.dim as usize)) {
            return Err(invalid(
                HEAD,
                "dim",
                format!("1 to {MAX_DIM}"),
                head.dim.to_string(),
            ));
        }
        if head.centroids as usize > MAX_CENTROIDS {
            return Err(invalid(
                HEAD,
                "centroids",
                format!("at most {MAX_CENTROIDS}"),
                head.centroids.to_string(),
            ));
        }
        if head.flags & !UNIT_LENGTH != 0 || head.reserved != 0 {
            return Err(invalid(
                HEAD,
                "flags and reserved",
                "known flags and zeros".into(),
                format!("{:#x} and {:#x}", head.flags, head.reserved),
            ));
        }
        let mut files = Vec::new();
        for record in frame.section::<FileRecord>(FILES)?.iter() {
            if record.reserved != 0 || record.number >= head.next_file {
                return Err(invalid(
                    FILES,
                    "number",
                    format!("below {}", head.next_file),
                    record.number.to_string(),
                ));
            }
            if file_number(&file_name(record.kind, record.number)).is_none() {
                let expected = "a kind of file that this version knows";
                let got = record.kind.to_string();
                return Err(invalid(FILES, "kind", expected.into(), got));
            }
            files.push(FileEntry {
                kind: record.kind,
                number: record.number,
                seal: Seal {
                    length: record.length,
                    checksum: record.checksum,
                },
            });
        }
        let mut segments = Vec::new();
        for record in frame
            .section_of::<SegmentRecord>(SEGMENTS, head.segments.into())?
            .iter()
        {
            if record.reserved != 0 {
                return Err(invalid(SEGMENTS, "reserved", "0".into(), "not zero".into()));
            }
            if record.deleted_documents > record.documents
                || record.deleted_vectors > record.vectors
            {
                return Err(invalid(
                    SEGMENTS,
                    "deleted",
                    format!(
                        "at most {} documents and {} vectors",
                        record.documents, record.vectors
                    ),
                    format!(
                        "{} and {}",
                        record.deleted_documents, record.deleted_vectors
                    ),
                ));
            }
            if !(record.error >= 0.0 && record.error.is_finite()) {
                return Err(invalid(
                    SEGMENTS,
                    "error",
                    "a finite number from 0".into(),
                    record.error.to_string(),
                ));
            }
            segments.push(SegmentEntry {
                number: record.number,
                documents: record.documents,
                vectors: record.vectors,
                deleted_documents: record.deleted_documents,
                deleted_vectors: record.deleted_vectors,
                error: record.error,
            });
        }
        if let Some(twice) = repeated(files.iter().map(|f| (f.kind.0, f.number))) {
            let name = file_name(Tag(twice.0), twice.1);
            return Err(invalid(
                FILES,
                "records",
                format!("one for {name}"),
                "two".into(),
            ));
        }
        if let Some(number) = repeated(segments.iter().map(|s| s.number)) {
            let expected = format!("one for number {number}");
            return Err(invalid(SEGMENTS, "records", expected, "two".into()));
        }
        let documents = live_documents(&segments);
        if documents != head.documents {
            return Err(invalid(
                HEAD,
                "documents",
                documents.to_string(),
                head.documents.to_string(),
            ));
        }
        let model = frame.section::<u8>(MODEL)?;
        let model = if model.is_empty() {
            None
        } else {
            let parsed = serde_json::from_slice(&model)
                .map_err(|e| invalid(MODEL, "JSON", "a model description".into(), e.to_string()))?;
            Some(parsed)
        };
        Ok(Self {
            generation: head.generation,
            seed: head.seed,
            dim: head.dim as usize,
            nbits: head.nbits,
            centroids: head.centroids as usize,
            next_file: head.next_file,
            codebook: head.codebook_file,
            unit_length: head.flags & UNIT_LENGTH != 0,
            files,
            segments,
            model,
        })
    }

    /// Writes the manifest under its new name, synced. To put it in place of the last is the commit.
    pub(crate) fn write(&self, directory: &Directory) -> Result<()> {
        let mut w = FrameWriter::create(directory, MANIFEST_NEW, kind::MANIFEST)?;
        let head = Head {
            generation: self.generation,
            seed: self.seed,
            dim: self.dim as u32,
            nbits: self.nbits,
            centroids: self.centroids as u32,
            next_file: self.next_file,
            codebook_file: self.codebook,
            segments: self.segments.len() as u32,
            flags: if self.unit_length { UNIT_LENGTH } else { 0 },
            reserved: 0,
            documents: live_documents(&self.segments),
        };
        w.section(HEAD, bytemuck::bytes_of(&head))?;
        let files: Vec<FileRecord> = self
            .files
            .iter()
            .map(|f| FileRecord {
                kind: f.kind,
                number: f.number,
                length: f.seal.length,
                checksum: f.seal.checksum,
                reserved: 0,
            })
            .collect();
        w.section(FILES, bytemuck::cast_slice(&files))?;
        let segments: Vec<SegmentRecord> = self
            .segments
            .iter()
            .map(|s| SegmentRecord {
                number: s.number,
                documents: s.documents,
                vectors: s.vectors,
                deleted_documents: s.deleted_documents,
                reserved: 0,
                deleted_vectors: s.deleted_vectors,
                error: s.error,
            })
            .collect();
        w.section(SEGMENTS, bytemuck::cast_slice(&segments))?;
        let model = match &self.model {
            // A struct of strings and numbers always has a JSON form.
            Some(model) => serde_json::to_vec(model).unwrap_or_default(),
            None => Vec::new(),
        };
        w.section(MODEL, &model)?;
        w.finish()?;
        Ok(())
    }

    /// The file of `kind` that belongs to `number`, opened and compared with the manifest's record.
    pub(crate) fn open_file(
        &self,
        directory: &Directory,
        manifest: &Frame,
        kind: Tag,
        number: u32,
    ) -> Result<Frame> {
        let entry = self.file(kind, number).ok_or_else(|| {
            manifest.error(FormatErrorKind::invalid(
                FILES,
                "records",
                format!("one for {}", file_name(kind, number)),
                "none",
            ))
        })?;
        Frame::open(directory, &file_name(kind, number), kind, Some(entry.seal))
    }

    /// The files of the segment with this number.
    pub(crate) fn files_of(&self, number: u32) -> impl Iterator<Item = &FileEntry> {
        let files = self.files.iter();
        files.filter(move |f| f.number == number && f.is_of_segment())
    }

    /// Bytes of the files of the segment with this number.
    pub(crate) fn bytes_of(&self, number: u32) -> u64 {
        self.files_of(number).map(|f| f.seal.length).sum()
    }

    pub(crate) fn file(&self, kind: Tag, number: u32) -> Option<&FileEntry> {
        self.files
            .iter()
            .find(|f| f.kind == kind && f.number == number)
    }
}

/// The first item that came before. A small manifest that names the same files again and again would else open a large index.
fn repeated<T: Eq + Hash + Copy>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    items.find(|&item| !seen.insert(item))
}

fn live_documents(segments: &[SegmentEntry]) -> u64 {
    segments.iter().map(|s| u64::from(s.live_documents())).sum()
}
