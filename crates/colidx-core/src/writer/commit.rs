//! The commit: what was staged becomes a segment, deletions, and a manifest that names them.

use super::CommitReport;
use super::manifest_edit::ManifestEdit;
use super::staged::Staged;
use super::updates::Updates;
use crate::error::{Conflict, Error, Result};
use crate::format::manifest::Manifest;
use crate::ingest::{
    BuildOptions, SegmentInput, SegmentJob, Trained, VectorSource, assemble_without_journal, extend,
};
use crate::progress::{Phase, Progress};
use std::time::Instant;

/// A commit that was ready when the directory turned out to have been moved.
pub(super) struct Prepared {
    manifest: Manifest,
    report: CommitReport,
}

fn is_moved<T>(result: &Result<T>) -> bool {
    let found = match result {
        Err(Error::Conflict { found, .. }) => found,
        _ => return false,
    };
    *found == Conflict::Moved
}

impl Updates {
    /// As [`super::IndexWriter::commit`].
    pub(super) fn commit(
        &mut self,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.refresh()?;
        let mut report = match self.prepared.take() {
            Some(prepared) => self.publish_prepared(prepared, progress)?,
            None => self.report()?,
        };
        let staged = std::mem::take(&mut self.staged);
        if !staged.is_empty() {
            let result = self.commit_staged(staged, source, progress, &mut report);
            self.swept(result)?;
        }
        if self.options.merge {
            report.unmerged = self.merge_crowded(progress, &mut report).err();
        }
        Ok(report)
    }

    fn commit_staged(
        &mut self,
        mut staged: Staged,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
        report: &mut CommitReport,
    ) -> Result<()> {
        let directory = &self.files.directory;
        let deleted = std::mem::take(&mut staged.deleted);
        let mut edit = ManifestEdit::of(&self.index, directory);
        edit.delete(&deleted)?;
        report.deleted += deleted.len() as u64;
        if staged.added() > 0 {
            if staged.needs_source() {
                self.check_dim(source)?;
            }
            let manifest = self.index.manifest();
            let mut source = staged.take_source(manifest.dim, manifest.features.pooling, source)?;
            let ready = staged.take_documents(directory, &mut self.file_ids)?;
            let options = BuildOptions {
                nbits: manifest.nbits,
                seed: manifest.seed,
                engine: self.options.engine,
                memory: self.options.memory,
                ..BuildOptions::default()
            };
            let mut job = SegmentJob {
                directory,
                number: ready.documents.number,
                options: &options,
                features: &manifest.features,
                progress,
                phases: &mut report.phases,
            };
            let input = SegmentInput {
                documents: ready.documents,
                ordinals: ready.ordinals,
                source: &mut source,
                stored: false,
            };
            if manifest.centroids == 0 {
                // Committed without vectors so far: the codebook is trained on the first that come.
                let assembled = assemble_without_journal(&mut job, input)?;
                report.note(&assembled.written);
                report.note_training(&assembled);
                edit.train(assembled, &options);
            } else {
                let trained = match self.trained.take() {
                    Some(trained) => trained,
                    None => Trained::from(self.index.codebook().trained()?),
                };
                let trained = self.trained.insert(trained);
                let written = extend(&mut job, input, trained, manifest.unit_length)?;
                report.note(&written);
                edit.add(written);
            }
        }
        let manifest = edit.finish(&mut self.file_ids)?;
        let published = self.publish(&manifest, report, progress);
        if is_moved(&published) {
            let report = std::mem::take(report);
            self.prepared = Some(Prepared { manifest, report });
        }
        published
    }

    fn publish_prepared(
        &mut self,
        mut prepared: Prepared,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        match self.publish(&prepared.manifest, &mut prepared.report, progress) {
            Ok(()) => Ok(prepared.report),
            Err(error) => {
                let published = Err(error);
                if is_moved(&published) {
                    self.prepared = Some(prepared);
                }
                published
            }
        }
    }

    /// Commits a manifest and moves on to it.
    pub(super) fn publish(
        &mut self,
        manifest: &Manifest,
        report: &mut CommitReport,
        progress: &dyn Progress,
    ) -> Result<()> {
        let started = Instant::now();
        progress.phase(Phase::Commit, None);
        let new = manifest.files.iter();
        let new = new.filter(|f| !self.index.manifest().files.contains(f));
        let written: u64 = new.map(|f| f.digest.length).sum();
        if self.index.manifest().codebook != manifest.codebook {
            self.trained = None;
        }
        self.commit_unknown = true;
        self.index = (self.files)
            .commit(manifest, Some(self.index.snapshot()))?
            .into();
        self.commit_unknown = false;
        // The commit stands, even if the files before it cannot be removed.
        let _ = self.files.sweep();
        report.bytes_written += written;
        report.generation = manifest.generation;
        report.phases.push((Phase::Commit, started.elapsed()));
        Ok(())
    }

    /// After a commit with unknown outcome, reloads the state that is in place.
    pub(super) fn refresh(&mut self) -> Result<()> {
        if self.commit_unknown {
            if let Some(newer) = self.index.reload_from(&self.files.directory)? {
                self.index = newer;
            }
            self.commit_unknown = false;
        }
        Ok(())
    }

    pub(super) fn report(&self) -> Result<CommitReport> {
        Ok(CommitReport {
            generation: self.index.generation(),
            sample_error: self.index.codebook().sample_error(),
            centroids: self.index.manifest().centroids,
            unit_length: self.index.manifest().unit_length,
            ..CommitReport::default()
        })
    }

    /// Removes what was written for a commit that failed.
    pub(super) fn swept<T>(&self, result: Result<T>) -> Result<T> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => self.files.reason(error),
        };
        // What cannot be removed now is removed after the next commit.
        let _ = self.files.sweep();
        Err(error)
    }

    pub(super) fn check_dim(&self, source: &dyn VectorSource) -> Result<()> {
        let (expected, got) = (self.index.dim(), source.dim());
        if expected == got {
            return Ok(());
        }
        Err(Error::SourceDimension { expected, got })
    }
}
