//! An open index and the checkpoint that encodes its queries, which is opened when first needed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use colidx::text::Opened;
use colidx::{Index, Model, SearcherOptions, TextError};
use pyo3::prelude::*;

use crate::watch::{Downloads, Watch};

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

    /// The checkpoint, if it is open and nobody is opening one.
    pub fn open_model(&self) -> Option<Arc<Model>> {
        let model = match self.model.try_lock() {
            Ok(model) => model,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.fitting(model.as_ref())
    }

    fn fitting(&self, model: Option<&Arc<Model>>) -> Option<Arc<Model>> {
        model
            .filter(|model| model.check(&self.index).is_ok())
            .map(Arc::clone)
    }

    /// The checkpoint, which is opened where it is not. One that does not fit the index any more,
    /// because that was rebuilt, is replaced by the one that the index records.
    pub fn model(&self, watch: &Watch) -> Result<Arc<Model>, TextError> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = self.fitting(model.as_ref()) {
            return Ok(model);
        }
        let SearcherOptions {
            model: name,
            encoder,
            ..
        } = &self.options;
        let mut downloads = Downloads::new(watch);
        let opened = Model::of_index(&self.index, name.as_deref(), encoder, &mut downloads)?;
        let Opened {
            model: found,
            notes,
            ..
        } = opened;
        let warnings = found.warnings();
        warn(notes.iter().chain(&warnings));
        let found = Arc::new(found);
        *model = Some(Arc::clone(&found));
        Ok(found)
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
