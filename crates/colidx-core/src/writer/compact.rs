//! Merging segments: as the policy says, or all of them.

use super::CommitReport;
use super::manifest_edit::ManifestEdit;
use super::merge::Merger;
use super::policy::{self, Size};
use super::updates::Updates;
use crate::error::{Error, Result};
use crate::format::manifest::{AnalyzerInfo, Features, SegmentEntry};
use crate::format::recall_table::RecallTable;
use crate::progress::{Phase, Progress};
use crate::search::Query;
use colidx_lexical::Analyzer;
use std::time::Instant;

impl Updates {
    /// As [`super::IndexWriter::merge`].
    pub(super) fn merge(&mut self, progress: &dyn Progress) -> Result<CommitReport> {
        self.ready_for_maintenance()?;
        let mut report = self.report()?;
        self.merge_crowded(progress, &mut report)?;
        Ok(report)
    }

    /// As [`super::IndexWriter::compact`].
    pub(super) fn compact(&mut self, progress: &dyn Progress) -> Result<CommitReport> {
        self.ready_for_maintenance()?;
        let mut report = self.report()?;
        let segments = &self.index.manifest().segments;
        let all: Vec<usize> = (0..segments.len()).collect();
        let features = self.features_of_all()?;
        if all.len() > 1
            || segments.iter().any(|s| s.deleted_documents > 0)
            || features != self.index.manifest().features
        {
            self.rewrite(&all, features, progress, &mut report)?;
        }
        Ok(report)
    }

    /// As [`super::IndexWriter::set_analyzer`].
    pub(super) fn set_analyzer(
        &mut self,
        analyzer: Option<Analyzer>,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        self.ready_for_maintenance()?;
        let mut report = self.report()?;
        let mut features = self.features_of_all()?;
        features.words = analyzer.as_ref().map(AnalyzerInfo::from);
        if features != self.index.manifest().features {
            let all: Vec<usize> = (0..self.index.segments().len()).collect();
            self.rewrite(&all, features, progress, &mut report)?;
        }
        Ok(report)
    }

    /// As [`super::IndexWriter::tune`].
    pub(super) fn tune(
        &mut self,
        queries: &[Query],
        ks: &[usize],
        progress: &dyn Progress,
    ) -> Result<RecallTable> {
        self.ready_for_maintenance()?;
        let table = self.index.measure_recall(queries, ks, progress)?;
        let mut report = self.report()?;
        let mut edit = ManifestEdit::of(&self.index, &self.files.directory);
        edit.set_recall(table.clone());
        let manifest = edit.finish(&mut self.file_ids)?;
        self.publish(&manifest, &mut report, progress)?;
        Ok(table)
    }

    pub(super) fn merge_crowded(
        &mut self,
        progress: &dyn Progress,
        report: &mut CommitReport,
    ) -> Result<()> {
        self.refresh()?;
        while let Some(group) = policy::next_merge(&self.sizes()) {
            let features = self.index.manifest().features.clone();
            self.rewrite(&group, features, progress, report)?;
        }
        Ok(())
    }

    fn sizes(&self) -> Vec<Size> {
        let manifest = self.index.manifest();
        let size = |s: &SegmentEntry| Size {
            bytes: manifest.bytes_of(s.number),
            documents: s.documents.into(),
            deleted: s.deleted_documents.into(),
        };
        manifest.segments.iter().map(size).collect()
    }

    /// The features that the index has once every segment is rewritten. Metadata come into
    /// columns then, unless an earlier version stored some that columns do not take.
    pub(super) fn features_of_all(&self) -> Result<Features> {
        let mut features = self.index.manifest().features.clone();
        if !features.columns {
            features.columns = true;
            for text in self.index.segments().iter().filter_map(|s| s.text.as_ref()) {
                text.each(|_, stored| {
                    features.columns &= colidx_metadata::columns::check(stored.metadata).is_ok();
                    Ok(())
                })?;
            }
        }
        Ok(features)
    }

    /// Replaces segments by one. Where that is all, the index may get further `features`.
    fn rewrite(
        &mut self,
        places: &[usize],
        features: Features,
        progress: &dyn Progress,
        report: &mut CommitReport,
    ) -> Result<()> {
        let started = Instant::now();
        let number = self.file_ids.take()?;
        let directory = &self.files.directory;
        let merger = Merger::new(&self.index, directory, &features, places, number)?;
        let merged = self.swept(merger.write(self.options.memory, progress))?;
        let mut edit = ManifestEdit::of(&self.index, &self.files.directory);
        edit.set_features(features);
        edit.replace(places, merged);
        let manifest = edit.finish(&mut self.file_ids)?;
        report.phases.push((Phase::Merge, started.elapsed()));
        report.note_merge(&self.index, places);
        self.publish(&manifest, report, progress)
    }

    pub(super) fn ready_for_maintenance(&mut self) -> Result<()> {
        self.usable()?;
        if !self.staged.is_empty() {
            return Err(Error::Uncommitted {
                added: self.staged.added() as u64,
                deleted: self.staged.deleted.len() as u64,
            });
        }
        self.refresh()
    }
}
