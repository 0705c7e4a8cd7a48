//! Writing an index of text.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use colidx_core::{
    BuildOptions, CommitReport, Index, IndexWriter, NewDocument, NoProgress, Progress,
    WriterOptions,
};
use colidx_encoder::EncoderOptions;

use super::error::Result;
use super::model::{Model, Silent};
use super::searcher::TextSearcher;
use super::source::{EncoderSource, Truncated};

/// An index of text, open for writing. What is added, updated and deleted takes effect with
/// [`TextIndex::commit`], all of it or nothing.
pub struct TextIndex {
    path: PathBuf,
    model: Arc<Model>,
    writer: IndexWriter,
    truncated: Truncated,
}

impl TextIndex {
    /// Begins an index at `path` whose text the checkpoint `model` encodes, a directory or a hub
    /// id. The first commit trains the codebook on the documents added so far, so it should have as
    /// many as there are at hand.
    ///
    /// # Errors
    /// There is an index already, or there is no such checkpoint.
    pub fn create(path: impl AsRef<Path>, model: &str) -> Result<TextIndex> {
        let model = Model::open(model, &EncoderOptions::default())?;
        TextIndex::create_with(path, Arc::new(model), BuildOptions::default())
    }

    /// Begins an index at `path` with an open checkpoint and options of the engine.
    ///
    /// # Errors
    /// There is an index already.
    pub fn create_with(
        path: impl AsRef<Path>,
        model: Arc<Model>,
        options: BuildOptions,
    ) -> Result<TextIndex> {
        let path = path.as_ref().to_owned();
        let options = options.model(model.to_record());
        Ok(TextIndex {
            writer: IndexWriter::create(&path, options)?,
            path,
            model,
            truncated: Truncated::default(),
        })
    }

    /// Opens the index at `path` for writing, with the checkpoint that it records.
    ///
    /// # Errors
    /// There is no index, another writer holds it, or the checkpoint is not where it was.
    pub fn open(path: impl AsRef<Path>) -> Result<TextIndex> {
        let path = path.as_ref().to_owned();
        let index = Index::open(&path)?;
        let opened = Model::of_index(&index, None, &EncoderOptions::default(), &mut Silent)?;
        let options = WriterOptions::default().model(opened.model.to_record());
        Ok(TextIndex {
            writer: IndexWriter::open(&path, options)?,
            path,
            model: Arc::new(opened.model),
            truncated: Truncated::default(),
        })
    }

    /// Adds a document of text alone.
    ///
    /// # Errors
    /// The key is empty, too long, or taken.
    pub fn add(&mut self, key: &str, text: &str) -> Result<()> {
        self.add_document(&NewDocument::new(key).text(text))
    }

    /// Adds a document with title, text and metadata. Title and text are encoded together.
    ///
    /// # Errors
    /// As [`TextIndex::add`], or the metadata is no JSON object.
    pub fn add_document(&mut self, document: &NewDocument<'_>) -> Result<()> {
        Ok(self.writer.add(document)?)
    }

    /// Adds a document, in the place of the one with its key if there is one. Returns whether there
    /// was.
    ///
    /// # Errors
    /// As [`TextIndex::add_document`].
    pub fn update(&mut self, document: &NewDocument<'_>) -> Result<bool> {
        Ok(self.writer.update(document)?)
    }

    /// Deletes the document with a key. Returns whether there was one.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        Ok(self.writer.delete(key)?)
    }

    /// Encodes what was added and makes all changes durable and visible, atomically.
    ///
    /// # Errors
    /// A text cannot be encoded, or the disk fails. The index is then as it was before.
    pub fn commit(&mut self) -> Result<CommitReport> {
        self.commit_with(&NoProgress)
    }

    /// As [`TextIndex::commit`], and tells `progress` how far it is; `progress` can cancel.
    ///
    /// # Errors
    /// As [`TextIndex::commit`].
    pub fn commit_with(&mut self, progress: &dyn Progress) -> Result<CommitReport> {
        let cancelled = || progress.cancelled();
        let mut source = EncoderSource::new(self.model.encoder()).cancelled_by(&cancelled);
        let report = self.writer.commit(&mut source, progress)?;
        self.truncated = source.truncated().clone();
        Ok(report)
    }

    /// Documents of the last commit that were longer than the checkpoint reads.
    pub fn truncated(&self) -> &Truncated {
        &self.truncated
    }

    /// A searcher at the last commit, which shares the checkpoint.
    ///
    /// # Errors
    /// Nothing was committed yet, or the index is damaged.
    pub fn searcher(&self) -> Result<TextSearcher> {
        TextSearcher::new(Index::open(&self.path)?, Arc::clone(&self.model))
    }

    /// The engine's writer, for what this type does not do: merging, retraining.
    pub fn writer(&mut self) -> &mut IndexWriter {
        &mut self.writer
    }
}
