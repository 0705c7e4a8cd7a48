//! What an index holds, in numbers.

use super::Index;
use crate::error::Result;
use crate::format::FileKind;
use crate::format::frame::Frame;
use crate::format::manifest::SegmentEntry;
use crate::format::model::ModelInfo;
use crate::format::pooling::Pooling;
use crate::format::recall_table::RecallTable;

/// One section of a file and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionInfo {
    /// The four-letter name in `index-format.md`.
    pub name: String,
    /// Bytes, without padding.
    pub bytes: u64,
}

/// One file of an index and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// Name in the index directory.
    pub name: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Its sections, in file order.
    pub sections: Vec<SectionInfo>,
}

/// One segment: documents that were written together.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// The number of its files.
    pub number: u32,
    /// Documents that are not deleted.
    pub documents: u64,
    /// Token vectors of these documents.
    pub vectors: u64,
    /// Deleted documents that merging has yet to reclaim.
    pub deleted_documents: u64,
    /// Mean squared distance of its vectors from their centroids. The more it exceeds
    /// [`IndexInfo::sample_error`], the worse the codebook fits them.
    pub error: f64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IndexInfo {
    /// Counts commits, from 1.
    pub generation: u64,
    /// Version of the format.
    pub format_version: u16,
    /// Documents that are not deleted.
    pub documents: u64,
    /// Token vectors of these documents.
    pub vectors: u64,
    /// Deleted documents that merging has yet to reclaim.
    pub deleted_documents: u64,
    /// Token vectors of deleted documents.
    pub deleted_vectors: u64,
    /// Values in a vector.
    pub dim: usize,
    /// Residual bits a dimension.
    pub nbits: u32,
    /// Centroids of the codebook.
    pub centroids: usize,
    /// Segments, in the order they are searched.
    pub segments: Vec<SegmentInfo>,
    /// Seed of the build.
    pub seed: u64,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
    /// How the vectors of documents are pooled before they are stored, if they are.
    pub pooling: Option<Pooling>,
    /// What made the vectors.
    pub model: Option<ModelInfo>,
    /// What searches find at each effort, where that was measured.
    pub recall: Option<RecallTable>,
    /// Every file, the manifest first.
    pub files: Vec<FileInfo>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of stored text among them.
    pub text_bytes: u64,
}

impl IndexInfo {
    /// Bytes a token vector costs, stored text not counted; 0 without vectors.
    pub fn bytes_per_vector(&self) -> f64 {
        match self.vectors {
            0 => 0.0,
            n => (self.bytes - self.text_bytes) as f64 / n as f64,
        }
    }
}

impl Index {
    /// What the index holds and how large each part is.
    ///
    /// # Errors
    ///
    /// [`Error::Format`](crate::Error::Format) when the codebook's figures are missing.
    pub fn info(&self) -> Result<IndexInfo> {
        let files: Vec<FileInfo> = self.snapshot.frames().map(file_info).collect();
        let manifest = self.manifest();
        let segments: Vec<SegmentInfo> =
            manifest.segments.iter().map(|s| self.segment(s)).collect();
        let text = manifest.files.iter().filter(|f| f.kind == FileKind::Text);
        Ok(IndexInfo {
            generation: manifest.generation,
            format_version: crate::format::FORMAT_VERSION,
            documents: self.num_documents(),
            vectors: self.num_vectors(),
            deleted_documents: segments.iter().map(|s| s.deleted_documents).sum(),
            deleted_vectors: manifest.segments.iter().map(|s| s.deleted_vectors).sum(),
            dim: self.dim(),
            nbits: manifest.nbits,
            centroids: manifest.centroids,
            segments,
            seed: manifest.seed,
            sample_error: self.codebook().sample_error(),
            pooling: manifest.features.pooling,
            model: manifest.model.clone(),
            recall: manifest.recall.clone(),
            bytes: files.iter().map(|f| f.bytes).sum(),
            text_bytes: text.map(|f| f.digest.length).sum(),
            files,
        })
    }

    fn segment(&self, entry: &SegmentEntry) -> SegmentInfo {
        SegmentInfo {
            number: entry.number,
            documents: entry.live_documents().into(),
            vectors: entry.live_vectors(),
            deleted_documents: entry.deleted_documents.into(),
            error: entry.error,
            bytes: self.manifest().bytes_of(entry.number),
        }
    }
}

fn file_info(frame: &Frame) -> FileInfo {
    let name = frame.path().file_name().unwrap_or_default();
    FileInfo {
        name: name.to_string_lossy().into_owned(),
        bytes: frame.len(),
        sections: frame
            .sections()
            .map(|(tag, bytes)| SectionInfo {
                name: tag.to_string(),
                bytes,
            })
            .collect(),
    }
}
