//! The manifest: which files make up the index, and what made them. One commit is one manifest.

use super::frame::{FeatureBits, FileDigest, Frame, FrameWriter, features};
use super::model::{self, ModelInfo};
use super::recall_table::RecallTable;
use super::{FileKind, MAX_CENTROIDS, MAX_DIM, MAX_FILE_NUMBER, Owner, Tag, file_name};
use crate::error::{Error, FormatErrorKind, Result};
use crate::format::pooling::Pooling;
use crate::storage::Directory;
use bytemuck::{Pod, Zeroable};
use colidx_lexical::Analyzer;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::hash::Hash;

pub(crate) const MANIFEST: &str = "manifest";
/// The next manifest, before the commit renames it.
pub(crate) const MANIFEST_NEW: &str = "manifest.new";

/// The largest manifest that is read, for more than 200,000 segments.
const MAX_BYTES: usize = 64 << 20;

const HEAD: Tag = Tag(*b"HEAD");
const FILES: Tag = Tag(*b"FILE");
const SEGMENTS: Tag = Tag(*b"SEGM");
const MODEL: Tag = Tag(*b"MODL");
const WORDS: Tag = Tag(*b"WORD");
const POOLING: Tag = Tag(*b"POOL");
const RECALL: Tag = Tag(*b"RECL");

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

/// `Head::flags`: token vectors have unit length, and are normalised when they are decoded.
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
    pub kind: FileKind,
    pub number: u32,
    pub digest: FileDigest,
}

impl FileEntry {
    pub(crate) fn new(kind: FileKind, number: u32, digest: FileDigest) -> Self {
        Self {
            kind,
            number,
            digest,
        }
    }

    /// Whether it belongs to the segment of its number, and not to the whole index.
    pub(crate) fn is_of_segment(&self) -> bool {
        self.kind.owner() == Owner::Segment
    }
}

/// One segment: documents written together, in files of the same number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SegmentEntry {
    pub number: u32,
    /// Documents in its files, deleted ones included.
    pub documents: u32,
    /// Token vectors in its files, those of deleted documents included.
    pub vectors: u64,
    /// Deleted documents.
    pub deleted_documents: u32,
    /// Token vectors of deleted documents.
    pub deleted_vectors: u64,
    /// Mean squared distance of its vectors from their centroids when they were encoded; 0 without
    /// vectors.
    pub error: f64,
}

impl From<&Analyzer> for AnalyzerInfo {
    fn from(analyzer: &Analyzer) -> Self {
        Self {
            analyzer: analyzer.name().into(),
            version: analyzer.version(),
        }
    }
}

impl Features {
    /// What divides text into words, if anything does.
    ///
    /// # Errors
    ///
    /// This program does not have that analyzer, or has another version of it.
    pub(crate) fn analyzer(&self) -> Result<Option<Analyzer>> {
        let stored = |words: &AnalyzerInfo| Analyzer::stored(&words.analyzer, words.version);
        Ok(self.words.as_ref().map(stored).transpose()?)
    }

    fn required(&self) -> u64 {
        let columns = if self.columns { features::COLUMNS } else { 0 };
        let words = self.words.as_ref().map_or(0, |_| features::WORDS);
        let pooled = self.pooling.map_or(0, |_| features::POOLED);
        columns | words | pooled
    }
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
    /// Whether token vectors have unit length; decoding then normalises them.
    pub unit_length: bool,
    pub files: Vec<FileEntry>,
    pub segments: Vec<SegmentEntry>,
    pub model: Option<ModelInfo>,
    pub features: Features,
    /// What searches find at each effort, where that was measured.
    pub recall: Option<RecallTable>,
}

/// What an index has beyond what every index has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Features {
    /// Whether the metadata of every segment are also in columns.
    pub columns: bool,
    /// How the text of every segment was divided into words, if it was.
    pub words: Option<AnalyzerInfo>,
    /// How the vectors of documents are pooled, if they are.
    pub pooling: Option<Pooling>,
}

/// What divided text into words: queries must be divided by the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnalyzerInfo {
    /// Its name.
    pub analyzer: String,
    /// Another version may divide text otherwise.
    pub version: u32,
}

impl Manifest {
    /// Reads the manifest and checks all of it, as it is small.
    pub(crate) fn open(directory: &Directory) -> Result<(Self, Frame)> {
        Self::open_as(directory, MANIFEST)
    }

    /// As [`Manifest::open`], under either name.
    pub(crate) fn open_as(directory: &Directory, name: &str) -> Result<(Self, Frame)> {
        let frame = Frame::read(directory, name, FileKind::Manifest, MAX_BYTES)?;
        frame.check_all()?;
        let manifest = Self::parse(&frame)?;
        Ok((manifest, frame))
    }

    fn parse(frame: &Frame) -> Result<Self> {
        let head = read_head(frame)?;
        let files = read_files(frame, &head)?;
        let segments = read_segments(frame, &head)?;
        check_owners(frame, &head, &files, &segments)?;
        let model = frame.section::<u8>(MODEL)?;
        let model = match model.is_empty() {
            true => None,
            false => Some(model::parse(&model).map_err(|fault| {
                let model::Fault {
                    field,
                    expected,
                    got,
                } = fault;
                invalid(frame, MODEL, field, expected, got)
            })?),
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
            features: Features {
                columns: frame.features().required & features::COLUMNS != 0,
                words: read_words(frame)?,
                pooling: read_pooling(frame)?,
            },
            recall: read_recall(frame)?,
        })
    }

    /// Writes and syncs the manifest as `manifest.new`. Renaming it is the commit.
    pub(crate) fn write(&self, directory: &Directory) -> Result<()> {
        let kind = FileKind::Manifest;
        let features = FeatureBits {
            required: self.features.required(),
            optional: self.recall.as_ref().map_or(0, |_| features::RECALL),
        };
        let mut w = FrameWriter::create_with(directory, MANIFEST_NEW, kind, features)?;
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
                kind: f.kind.tag(),
                number: f.number,
                length: f.digest.length,
                checksum: f.digest.checksum,
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
        if let Some(words) = &self.features.words {
            w.section(WORDS, &serde_json::to_vec(words).unwrap_or_default())?;
        }
        if let Some(pooling) = self.features.pooling {
            let pooling = [pooling.factor, pooling.protected];
            w.section(POOLING, bytemuck::cast_slice(&pooling))?;
        }
        if let Some(table) = &self.recall {
            w.section(RECALL, &serde_json::to_vec(table).unwrap_or_default())?;
        }
        w.finish()?;
        Ok(())
    }

    /// The file of `kind` that belongs to `number`, opened and compared with the manifest's record.
    pub(crate) fn open_file(
        &self,
        directory: &Directory,
        manifest: &Frame,
        kind: FileKind,
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
        Frame::open(
            directory,
            &file_name(kind, number),
            kind,
            Some(entry.digest),
        )
    }

    /// The files of the segment with this number.
    pub(crate) fn files_of(&self, number: u32) -> impl Iterator<Item = &FileEntry> {
        let files = self.files.iter();
        files.filter(move |f| f.number == number && f.is_of_segment())
    }

    /// Bytes of the files of the segment with this number.
    pub(crate) fn bytes_of(&self, number: u32) -> u64 {
        self.files_of(number).map(|f| f.digest.length).sum()
    }

    pub(crate) fn file(&self, kind: FileKind, number: u32) -> Option<&FileEntry> {
        self.files
            .iter()
            .find(|f| f.kind == kind && f.number == number)
    }
}

fn invalid(
    frame: &Frame,
    section: Tag,
    field: impl ToString,
    expected: impl ToString,
    got: impl ToString,
) -> Error {
    frame.error(FormatErrorKind::invalid(section, field, expected, got))
}

/// Reads the head and checks the range of every field.
fn read_head(frame: &Frame) -> Result<Head> {
    let head = frame.section_of::<Head>(HEAD, 1)?[0];
    let known = head.flags & !UNIT_LENGTH == 0 && head.reserved == 0;
    let most_centroids = MAX_CENTROIDS as u32;
    let most_next = MAX_FILE_NUMBER + 1;
    let (field, expected, got) = if head.generation == 0 {
        ("generation", "at least 1".into(), "0".into())
    } else if !matches!(head.nbits, 1 | 2 | 4 | 8) {
        ("nbits", "1, 2, 4 or 8".into(), head.nbits.to_string())
    } else if !(1..=MAX_DIM).contains(&(head.dim as usize)) {
        ("dim", format!("1 to {MAX_DIM}"), head.dim.to_string())
    } else if head.centroids > most_centroids {
        let expected = format!("at most {most_centroids}");
        ("centroids", expected, head.centroids.to_string())
    } else if head.next_file > most_next {
        let expected = format!("at most {most_next}");
        ("next file number", expected, head.next_file.to_string())
    } else if !known {
        let got = format!("{:#x} and {:#x}", head.flags, head.reserved);
        let expected = "known flags and zeros";
        ("flags and reserved", expected.into(), got)
    } else {
        return Ok(head);
    };
    Err(invalid(frame, HEAD, field, expected, got))
}

/// Reads the files: each once, of a known kind, with a number in use.
fn read_files(frame: &Frame, head: &Head) -> Result<Vec<FileEntry>> {
    let mut files = Vec::new();
    for record in frame.section::<FileRecord>(FILES)?.iter() {
        if record.reserved != 0 {
            return Err(invalid(frame, FILES, "reserved", 0, record.reserved));
        }
        if record.number >= head.next_file {
            let expected = format!("below {}", head.next_file);
            return Err(invalid(frame, FILES, "number", expected, record.number));
        }
        let Some(kind) = FileKind::in_manifest(record.kind) else {
            let expected = "a kind of file that this version knows";
            return Err(invalid(frame, FILES, "kind", expected, record.kind));
        };
        files.push(FileEntry {
            kind,
            number: record.number,
            digest: FileDigest {
                length: record.length,
                checksum: record.checksum,
            },
        });
    }
    if let Some(twice) = repeated(files.iter().map(|f| (f.kind, f.number))) {
        let name = file_name(twice.0, twice.1);
        let expected = format!("one for {name}");
        return Err(invalid(frame, FILES, "records", expected, "two"));
    }
    Ok(files)
}

/// Reads the segments: no two with the same number.
fn read_segments(frame: &Frame, head: &Head) -> Result<Vec<SegmentEntry>> {
    let mut segments = Vec::new();
    let records = frame.section_of::<SegmentRecord>(SEGMENTS, head.segments.into())?;
    for record in records.iter() {
        if record.reserved != 0 {
            return Err(invalid(frame, SEGMENTS, "reserved", 0, record.reserved));
        }
        if record.deleted_documents > record.documents || record.deleted_vectors > record.vectors {
            let (documents, vectors) = (record.documents, record.vectors);
            let expected = format!("at most {documents} documents and {vectors} vectors");
            let got = format!(
                "{} and {}",
                record.deleted_documents, record.deleted_vectors
            );
            return Err(invalid(frame, SEGMENTS, "deleted", expected, got));
        }
        if !(record.error >= 0.0 && record.error.is_finite()) {
            let expected = "a finite number from 0";
            return Err(invalid(frame, SEGMENTS, "error", expected, record.error));
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
    if let Some(number) = repeated(segments.iter().map(|s| s.number)) {
        let expected = format!("one for number {number}");
        return Err(invalid(frame, SEGMENTS, "records", expected, "two"));
    }
    let documents = live_documents(&segments);
    if documents != head.documents {
        let got = head.documents;
        return Err(invalid(frame, HEAD, "documents", documents, got));
    }
    Ok(segments)
}

/// Checks that every file is the codebook, of a segment, or of deletions. A missing file of a
/// segment is found when the segment is opened.
fn check_owners(
    frame: &Frame,
    head: &Head,
    files: &[FileEntry],
    segments: &[SegmentEntry],
) -> Result<()> {
    let numbers: HashSet<u32> = segments.iter().map(|s| s.number).collect();
    let has = |feature| frame.features().required & feature != 0;
    let is_owned = |file: &&FileEntry| match file.kind {
        FileKind::Codebook => file.number == head.codebook_file,
        FileKind::Deletions => true,
        FileKind::Columns if !has(features::COLUMNS) => false,
        FileKind::Words if !has(features::WORDS) => false,
        _ => numbers.contains(&file.number),
    };
    match files.iter().find(|file| !is_owned(file)) {
        None => Ok(()),
        Some(file) => Err(invalid(
            frame,
            FILES,
            "records",
            "those of the codebook, of segments, of deletions and of features in the header",
            format!("one for {}", file_name(file.kind, file.number)),
        )),
    }
}

/// The first item that repeats an earlier one. Without this check a small manifest that repeats its
/// files would open as a large index.
fn repeated<T: Eq + Hash + Copy>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    items.find(|&item| !seen.insert(item))
}

fn read_words(frame: &Frame) -> Result<Option<AnalyzerInfo>> {
    if frame.features().required & features::WORDS == 0 {
        return Ok(None);
    }
    let bytes = frame.section::<u8>(WORDS)?;
    let words = serde_json::from_slice(&bytes)
        .map_err(|error| invalid(frame, WORDS, "JSON", "an analyzer and its version", error))?;
    Ok(Some(words))
}

fn read_pooling(frame: &Frame) -> Result<Option<Pooling>> {
    if frame.features().required & features::POOLED == 0 {
        return Ok(None);
    }
    let values = frame.section_of::<u32>(POOLING, 2)?;
    let [factor, protected] = [0, 1].map(|at| values.get(at).copied().unwrap_or_default());
    let pooling = Pooling::new(factor).protected(protected);
    match pooling.check() {
        Ok(()) => Ok(Some(pooling)),
        Err(_) => {
            let expected = "a factor of 2 to 1,000 and 0 to 1,000 protected vectors";
            let got = format!("{factor} and {protected}");
            Err(invalid(frame, POOLING, "values", expected, got))
        }
    }
}

fn read_recall(frame: &Frame) -> Result<Option<RecallTable>> {
    if frame.features().optional & features::RECALL == 0 {
        return Ok(None);
    }
    let bytes = frame.section::<u8>(RECALL)?;
    let table: RecallTable = serde_json::from_slice(&bytes)
        .map_err(|error| invalid(frame, RECALL, "JSON", "a table of recall", error))?;
    match table.fault() {
        None => Ok(Some(table)),
        Some(expected) => Err(invalid(frame, RECALL, "rows", expected, "other rows")),
    }
}

fn live_documents(segments: &[SegmentEntry]) -> u64 {
    segments.iter().map(|s| u64::from(s.live_documents())).sum()
}
