//! An open index and the checkpoint that encodes its queries, which is opened when first needed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use colidx::text::{Opened, Silent};
use colidx::{Index, Model, SearcherOptions, TextError, TextSearcher};
use pyo3::prelude::*;

/// One state of an index. A clone shares it.
#[derive(Clone)]
pub struct OpenIndex {
    pub index: Index,
    /// Which checkpoint to open, and how.
    options: SearcherOptions,
    model: Arc<Mutex<Option<Arc<Model>>>>,
}

impl OpenIndex {
    /// Maps the index; with `model` its queries are encoded by that.
    pub fn open(
        path: &Path,
        options: SearcherOptions,
        model: Option<Arc<Model>>,
    ) -> Result<OpenIndex, TextError> {
        let index = Index::open(path)?;
        if let Some(model) = &model {
            model.check(&index)?;
        }
        Ok(OpenIndex {
            index,
            options,
            model: Arc::new(Mutex::new(model)),
        })
    }

    /// The newest commit, or `None` when it is this one.
    pub fn reload(&self) -> Result<Option<OpenIndex>, TextError> {
        Ok(self.index.reload()?.map(|index| OpenIndex {
            index,
            ..self.clone()
        }))
    }

    /// The checkpoint. One that does not fit the index any more, because that was built anew, is
    /// replaced by the one that the index records.
    pub fn model(&self) -> Result<Arc<Model>, TextError> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*model
            && model.check(&self.index).is_ok()
        {
            return Ok(Arc::clone(model));
        }
        let SearcherOptions {
            model: name,
            encoder,
            ..
        } = &self.options;
        let opened = Model::of_index(&self.index, name.as_deref(), encoder, &mut Silent)?;
        let Opened {
            model: found,
            notes,
        } = opened;
        let warnings = found.warnings();
        warn(notes.iter().chain(&warnings));
        let found = Arc::new(found);
        *model = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The index together with its checkpoint.
    pub fn searcher(&self) -> Result<TextSearcher, TextError> {
        TextSearcher::new(self.index.clone(), self.model()?)
    }
}

/// Logs what a person who chose a checkpoint should know.
pub fn warn<'a>(lines: impl Iterator<Item = &'a String>) {
    let lines: Vec<&String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    Python::attach(|py| {
        let logger = py
            .import("logging")
            .and_then(|m| m.call_method1("getLogger", ("colidx",)));
        for line in lines {
            // A logger that raises must not stop a search.
            let _ = logger
                .as_ref()
                .map(|logger| logger.call_method1("warning", (line,)));
        }
    });
}
