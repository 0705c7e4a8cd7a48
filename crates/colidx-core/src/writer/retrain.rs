//! A new codebook for what an index holds: from its stored vectors, or from its text.

use super::CommitReport;
use super::manifest_edit::ManifestEdit;
use super::merge::Merger;
use super::updates::Updates;
use crate::codebook::Codebook;
use crate::codebook::codes::centroid;
use crate::error::{Error, Result};
use crate::format::manifest::Manifest;
use crate::index::Index;
use crate::ingest::{
    BuildOptions, KMeans, SegmentInput, SegmentJob, SourceDocument, StagedSource, StoredDocuments,
    VectorBatch, VectorSource, assemble_without_journal,
};
use crate::progress::Progress;
use crate::segment::Segment;
use crate::setters::setters;
use crate::snapshot::Place;
use colidx_cluster::SHARED;
use std::error::Error as StdError;

/// How to train a new codebook. [`RetrainOptions::default`] keeps what the index has.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetrainOptions {
    /// Residual bits a dimension; `None` keeps the index's.
    pub nbits: Option<u32>,
    /// Centroids; `None` chooses by the number of vectors, as a build does.
    pub centroids: Option<usize>,
    /// Which k-means trains the codebook.
    pub engine: KMeans,
    /// Seed of every random choice; `None` keeps the index's.
    pub seed: Option<u64>,
}

setters!(RetrainOptions {
    nbits: impl Into<Option<u32>>,
    centroids: impl Into<Option<usize>>,
    engine: KMeans,
    seed: impl Into<Option<u64>>,
});

impl Default for RetrainOptions {
    fn default() -> Self {
        Self {
            nbits: None,
            centroids: None,
            engine: KMeans::Builtin,
            seed: None,
        }
    }
}

impl Updates {
    /// As [`super::IndexWriter::retrain`].
    pub(super) fn retrain(
        &mut self,
        source: Option<&mut dyn VectorSource>,
        options: &RetrainOptions,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        self.ready_for_maintenance()?;
        let mut report = self.report()?;
        let result = self.encode_anew(source, options, progress, &mut report);
        let manifest = self.swept(result)?;
        self.publish(&manifest, &mut report, progress)?;
        report.sample_error = self.index.codebook().sample_error();
        Ok(report)
    }

    fn encode_anew(
        &mut self,
        source: Option<&mut dyn VectorSource>,
        options: &RetrainOptions,
        progress: &dyn Progress,
        report: &mut CommitReport,
    ) -> Result<Manifest> {
        let manifest = self.index.manifest();
        let options = BuildOptions {
            nbits: options.nbits.unwrap_or(manifest.nbits),
            centroids: options.centroids,
            engine: options.engine,
            seed: options.seed.unwrap_or(manifest.seed),
            memory: self.options.memory,
            ..BuildOptions::default()
        };
        options.check()?;
        let from_index = source.is_none();
        let mut stored = Stored::new(&self.index)?;
        let mut made_again = None;
        let source: &mut dyn VectorSource = match source {
            Some(source) => {
                self.check_model()?;
                self.check_dim(source)?;
                if source.needs_text() {
                    check_text(&self.index)?;
                }
                let (dim, pooling) = (manifest.dim, manifest.features.pooling);
                made_again.insert(StagedSource::new(dim, pooling, None, Some(source))?)
            }
            None => &mut stored,
        };
        let all: Vec<usize> = (0..self.index.segments().len()).collect();
        let number = self.file_ids.take()?;
        let features = self.features_of_all()?;
        let directory = &self.files.directory;
        let merger = Merger::new(&self.index, directory, &features, &all, number)?;
        let documents = StoredDocuments {
            number,
            keys: merger.keys()?,
            text: merger.text(progress)?,
            without_text: 0,
        };
        let mut job = SegmentJob {
            directory,
            number,
            options: &options,
            features: &features,
            progress,
            phases: &mut report.phases,
        };
        let input = SegmentInput {
            documents,
            ordinals: None,
            source,
            stored: from_index,
        };
        let assembled = assemble_without_journal(&mut job, input)?;
        report.note_merge(&self.index, &all);
        report.note_training(&assembled);
        let mut edit = ManifestEdit::of(&self.index, &self.files.directory);
        edit.replace(&all, None);
        edit.set_features(features);
        edit.train(assembled, &options);
        edit.finish(&mut self.file_ids)
    }
}

/// Every document with vectors must have text to make them from.
fn check_text(index: &Index) -> Result<()> {
    let parts = index.segments().iter().zip(&index.manifest().segments);
    let without = parts.filter(|(segment, _)| segment.text.is_none());
    match without.map(|(_, entry)| entry.live_vectors()).sum() {
        0 => Ok(()),
        vectors => Err(Error::NoText { vectors }),
    }
}

/// The vectors of an index as they decode, its documents in order.
struct Stored<'a> {
    index: &'a Index,
    documents: Vec<Place>,
    /// By centroid the token it serves; empty when every centroid serves every token.
    tokens: Vec<u32>,
}

impl<'a> Stored<'a> {
    fn new(index: &'a Index) -> Result<Self> {
        Ok(Self {
            index,
            documents: index.places().collect(),
            tokens: tokens(index.codebook())?,
        })
    }
}

/// Which token each centroid serves. A vector's own token is not stored; tokens that share
/// centroids stay together.
fn tokens(codebook: &Codebook) -> Result<Vec<u32>> {
    let book = codebook.trained()?;
    if book.groups.len() < 2 {
        return Ok(Vec::new());
    }
    let mut tokens = vec![SHARED; codebook.len()];
    for group in &book.groups {
        for &centroid in &book.members[group.range()] {
            tokens[centroid as usize] = group.token_id;
        }
    }
    Ok(tokens)
}

impl VectorSource for Stored<'_> {
    fn dim(&self) -> usize {
        self.index.dim()
    }

    fn needs_text(&self) -> bool {
        false
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let book = self.index.codebook();
        let (mut codes, mut vectors) = (Vec::new(), Vec::new());
        for document in documents {
            let place = self.documents[document.ordinal as usize];
            let segment = &self.index.segments()[place.segment()];
            let vectors = segment.documents.vectors(place.document())?;
            segment.vectors.advise_willneed(&vectors);
        }
        for document in documents {
            let place = self.documents[document.ordinal as usize];
            let segment = &self.index.segments()[place.segment()];
            segment.decode(book, place.document(), &mut codes, &mut vectors)?;
            out.lens.push(codes.len() as u32);
            out.vectors.extend_from_slice(&vectors);
            if !self.tokens.is_empty() {
                let centroids = codes.iter().map(|&code| centroid(code));
                let tokens = centroids.map(|centroid| self.tokens[centroid as usize]);
                out.token_ids.extend(tokens);
            }
        }
        self.index
            .segments()
            .iter()
            .for_each(Segment::advise_dontneed);
        Ok(())
    }
}
