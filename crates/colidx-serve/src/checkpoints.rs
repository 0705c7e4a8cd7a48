//! Checkpoints: opened in the background, shared by the indexes that they made.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use colidx::text::Silent;
use colidx::{Index, Model, ModelInfo, SearcherOptions};
use tokio::sync::watch;

use crate::error::{ApiError, Result};
use crate::log::Log;

type State = Option<Result<Arc<Model>, String>>;

/// A checkpoint that is open, or is being opened.
pub(crate) struct Checkpoint {
    state: watch::Receiver<State>,
}

impl Checkpoint {
    /// The open checkpoint; waits for it.
    pub async fn ready(&self) -> Result<Arc<Model>> {
        let mut state = self.state.clone();
        let state = state.wait_for(Option::is_some).await;
        match state.as_deref() {
            Ok(Some(Ok(model))) => Ok(Arc::clone(model)),
            Ok(Some(Err(cause))) => {
                let mut error = ApiError::unavailable(
                    "no_model",
                    "the checkpoint of the index cannot be opened; the service's log says why",
                );
                error.cause = Some(cause.clone());
                Err(error)
            }
            _ => Err(ApiError::internal(
                "the thread that opens a checkpoint ended",
            )),
        }
    }

    /// Whether it is open; `None` while it is being opened.
    pub fn is_open(&self) -> Option<bool> {
        self.state.borrow().as_ref().map(std::result::Result::is_ok)
    }
}

/// What a checkpoint was opened for: two indexes with the same record share it.
type Known = Vec<(Option<ModelInfo>, usize, Weak<Checkpoint>)>;

/// All checkpoints of a service.
pub(crate) struct Checkpoints {
    options: SearcherOptions,
    known: Mutex<Known>,
    log: Log,
}

impl Checkpoints {
    pub fn new(options: SearcherOptions, log: Log) -> Checkpoints {
        Checkpoints {
            options,
            known: Mutex::default(),
            log,
        }
    }

    /// The checkpoint of an index, which a thread begins to open if it is not open yet; `None` for
    /// an index of vectors whose checkpoint nobody named.
    pub fn of_index(&self, index: &Index) -> Option<Arc<Checkpoint>> {
        let record = index.model().cloned();
        if record.is_none() && self.options.model.is_none() {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, _, checkpoint)| checkpoint.strong_count() > 0);
        let same = |(other, dim, checkpoint): &(Option<ModelInfo>, usize, Weak<Checkpoint>)| {
            (*other == record && *dim == index.dim()).then(|| checkpoint.upgrade())
        };
        if let Some(checkpoint) = known.iter().find_map(same).flatten() {
            return Some(checkpoint);
        }
        let checkpoint = Arc::new(self.open(index.clone()));
        known.push((record, index.dim(), Arc::downgrade(&checkpoint)));
        Some(checkpoint)
    }

    fn open(&self, index: Index) -> Checkpoint {
        let (tell, state) = watch::channel(None);
        let (options, log) = (self.options.clone(), self.log.clone());
        let open = move || {
            let name = options.model.as_deref();
            let opened = Model::of_index(&index, name, &options.encoder, &mut Silent);
            if let Ok(opened) = &opened {
                opened.notes.iter().for_each(|note| log.note(note));
                let warnings = opened.model.warnings();
                warnings.iter().for_each(|warning| log.note(warning));
            }
            let opened = opened.map(|opened| Arc::new(opened.model));
            let opened = opened.map_err(|error| {
                log.note(&format!("text cannot be encoded: {error}"));
                error.to_string()
            });
            let _ = tell.send(Some(opened));
        };
        let builder = std::thread::Builder::new().name("colidx-checkpoint".to_owned());
        // Without a thread the sender is dropped, which `ready` reports.
        let _ = builder.spawn(open);
        Checkpoint { state }
    }
}
