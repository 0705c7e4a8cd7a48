//! The first commit: a new index, its codebook trained on the documents.
//!
//! A journal records what is safe on disk, so that a build that was stopped can be resumed.

use super::manifest_edit::FileIds;
use super::staged::{Staged, Vectors};
use super::updates::Updates;
use super::{CommitReport, WriterOptions};
use crate::error::{Error, Result};
use crate::format::check_dim;
use crate::format::manifest::{AnalyzerInfo, Features, Manifest};
use crate::index::Index;
use crate::ingest::{
    BuildOptions, Journal, NewDocument, SegmentInput, SegmentJob, StagedSource, Staging, Supply,
    VectorSource, assemble,
};
use crate::progress::{Phase, Progress};
use crate::storage::Directory;
use std::time::Instant;
use xxhash_rust::xxh3::Xxh3Default;

/// An index on its way to its first commit.
pub(super) struct Creation {
    // Dropped before the lock is given back.
    pub staged: Staged,
    digest: Digest,
    files: Staging,
    journal: Journal,
    options: BuildOptions,
    generation: u64,
    file_ids: FileIds,
    poisoned: bool,
    started: Instant,
}

impl Creation {
    /// Takes the directory for a new index.
    pub(super) fn begin(directory: &Directory, options: BuildOptions) -> Result<Self> {
        crate::ready()?;
        options.check()?;
        let (files, replaced, unfinished) = Staging::take(directory, &options)?;
        let mut journal = Journal::new(&files.directory, &replaced, unfinished, &options)?;
        journal.begin()?;
        let mut file_ids = FileIds::from(replaced.next_file());
        let mut staged = Staged::default();
        // A directory that cannot be written to is found before documents are read.
        staged.documents(&files.directory, &mut file_ids)?;
        Ok(Self {
            staged,
            digest: Digest::default(),
            files,
            journal,
            generation: replaced.generation.saturating_add(1),
            options,
            file_ids,
            poisoned: false,
            started: Instant::now(),
        })
    }

    /// Adds a document; with `replace` in place of one that has its key. Returns whether there was
    /// one.
    pub(super) fn add(
        &mut self,
        document: &NewDocument<'_>,
        vectors: Option<Vectors<'_>>,
        replace: bool,
    ) -> Result<bool> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let supply = match vectors {
            Some(vectors) => Some(self.supply(vectors)?),
            None => None,
        };
        self.staged.check(document, supply.as_ref())?;
        let replaced = replace && self.staged.drop_document(document.key);
        let directory = &self.files.directory;
        let staged = self
            .staged
            .add(directory, &mut self.file_ids, document, supply);
        self.poisoned |= matches!(staged, Err(Error::Io { .. } | Error::Poisoned));
        staged?;
        self.digest.add(document);
        Ok(replaced)
    }

    fn supply<'a>(&self, vectors: Vectors<'a>) -> Result<Supply<'a>> {
        let dim = self.options.dim.ok_or(Error::Option {
            option: "dim",
            got: "not set".into(),
            expected: "the number of values in a vector, where documents come with their vectors",
        })?;
        Ok(Supply {
            dim,
            vectors: vectors.values,
            token_ids: vectors.token_ids,
            unit_length: false,
        })
    }

    /// Takes a staged document back. Returns whether there was one with this key.
    pub(super) fn delete(&mut self, key: &str) -> Result<bool> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let dropped = self.staged.drop_document(key);
        if dropped {
            self.digest.delete(key);
        }
        Ok(dropped)
    }

    /// Drops all documents.
    pub(super) fn rollback(&mut self) {
        self.staged = Staged::default();
        self.digest = Digest::default();
    }

    /// Values in a vector, by the options or else by the source.
    fn dim(&self, source: &dyn VectorSource) -> Result<usize> {
        let got = source.dim();
        match self.options.dim {
            Some(expected) if self.staged.needs_source() && got != expected => {
                Err(Error::SourceDimension { expected, got })
            }
            Some(dim) => Ok(dim),
            None => check_dim(got).map(|()| got),
        }
    }

    /// Encodes, trains, compresses and commits. What is left are changes to the index.
    pub(super) fn commit(
        mut self,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<(Updates, CommitReport)> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let dim = self.dim(source)?;
        let journal = &mut self.journal;
        journal.documents(self.staged.added() as u32)?;
        journal.input("hash of the keys", self.digest.keys())?;
        journal.input("hash of the texts", self.digest.texts())?;
        journal.input("dimension of the vectors", dim)?;
        let mut source = (self.staged).take_source(dim, self.options.pooling, source)?;
        journal.input("source of the vectors", source.fingerprint())?;
        match self.run(&mut source, progress) {
            Ok((index, mut report)) => {
                // The commit stands, even if what is left of the build cannot be removed.
                let _ = self.files.clear();
                report.generation = index.generation();
                let options = WriterOptions::from(&self.options);
                Ok((Updates::new(self.files, index, options), report))
            }
            Err(error) => {
                // What cannot be saved stays as it was saved before; the first error counts.
                let _ = self.journal.save();
                Err(self.files.reason(error))
            }
        }
    }

    fn run(
        &mut self,
        source: &mut StagedSource<'_>,
        progress: &dyn Progress,
    ) -> Result<(Index, CommitReport)> {
        let directory = &self.files.directory;
        let mut phases = vec![(Phase::Read, self.started.elapsed())];
        let ready = self.staged.take_documents(directory, &mut self.file_ids)?;
        let number = ready.documents.number;
        let features = Features {
            columns: true,
            words: self.options.analyzer.as_ref().map(AnalyzerInfo::from),
            pooling: self.options.pooling,
        };
        let mut job = SegmentJob {
            directory,
            number,
            options: &self.options,
            features: &features,
            progress,
            phases: &mut phases,
        };
        let input = SegmentInput {
            documents: ready.documents,
            ordinals: ready.ordinals,
            source,
            stored: false,
        };
        let assembled = assemble(&mut job, input, &mut self.journal)?;

        let started = Instant::now();
        progress.phase(Phase::Commit, None);
        let mut report = CommitReport {
            resumed: self.journal.resumed.map(u64::from),
            ..CommitReport::default()
        };
        report.note_training(&assembled);
        let written = assembled.written;
        report.note(&written);
        let manifest = Manifest {
            generation: self.generation,
            seed: self.options.seed,
            dim: source.dim(),
            nbits: self.options.nbits,
            centroids: assembled.centroids,
            next_file: self.file_ids.next(),
            codebook: number,
            unit_length: written.unit_length,
            segments: vec![written.segment],
            files: [vec![assembled.codebook], written.files].concat(),
            model: self.options.model.clone(),
            features,
            recall: None,
        };
        let index = Index::from(self.files.commit(&manifest, None)?);
        report.bytes_written = manifest.files.iter().map(|f| f.digest.length).sum();
        report.sample_error = index.codebook().sample_error();
        phases.push((Phase::Commit, started.elapsed()));
        report.phases = phases;
        Ok((index, report))
    }
}

/// Hashes of all documents, to tell whether a build resumes with the same.
#[derive(Default)]
struct Digest {
    keys: Xxh3Default,
    texts: Xxh3Default,
}

impl Digest {
    fn add(&mut self, document: &NewDocument<'_>) {
        field(&mut self.keys, document.key);
        for text in [document.title, document.text, document.metadata] {
            field(&mut self.texts, text);
        }
    }

    fn delete(&mut self, key: &str) {
        // No field has this length.
        self.keys.update(&u64::MAX.to_le_bytes());
        field(&mut self.keys, key);
    }

    fn keys(&self) -> String {
        format!("{:032x}", self.keys.digest128())
    }

    fn texts(&self) -> String {
        format!("{:032x}", self.texts.digest128())
    }
}

fn field(hash: &mut Xxh3Default, field: &str) {
    hash.update(&(field.len() as u64).to_le_bytes());
    hash.update(field.as_bytes());
}
