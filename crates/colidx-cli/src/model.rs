//! Opens checkpoints, with progress and notes on standard error.

use std::path::Path;

use colidx::text::{Download, Opened};
use colidx::{Index, Model, TextSearcher};
use colidx_encoder::EncoderOptions;

use crate::args::QueryModelArgs;
use crate::error::CliError;
use crate::output::note;
use crate::progress::{Phases, Unit};

/// Opens the checkpoint that `name` names, a directory or a hub id.
///
/// # Errors
/// There is no such directory and no such repository, or it is no checkpoint that can be used.
pub fn open(name: &str, options: &EncoderOptions) -> Result<Model, CliError> {
    let mut progress = DownloadProgress::new();
    let model = Model::open_watched(name, options, &mut progress)?;
    progress.end();
    model.warnings().iter().for_each(|warning| note(warning));
    Ok(model)
}

/// Opens the checkpoint for an index: the one that `args` name, or the one that the index records.
///
/// # Errors
/// Neither names a checkpoint, or it is not the one that made the index.
pub fn of_index(index: &Index, args: &QueryModelArgs) -> Result<Model, CliError> {
    let mut progress = DownloadProgress::new();
    let name = args.model.as_deref();
    let Opened { model, notes, .. } =
        Model::of_index(index, name, &args.encoder.options(), &mut progress)?;
    progress.end();
    notes.iter().for_each(|line| note(line));
    model.warnings().iter().for_each(|warning| note(warning));
    Ok(model)
}

/// Opens the index at `path` and its checkpoint.
///
/// # Errors
/// As [`of_index`].
pub fn searcher(path: &Path, args: &QueryModelArgs) -> Result<TextSearcher, CliError> {
    let mut progress = DownloadProgress::new();
    let searcher = TextSearcher::open_with(path, args.searcher_options(), &mut progress)?;
    progress.end();
    tell(&searcher);
    Ok(searcher)
}

/// Prints notes and warnings about a searcher's checkpoint.
pub fn tell(searcher: &TextSearcher) {
    searcher.notes().iter().for_each(|line| note(line));
    let warnings = searcher.model().map(|model| model.warnings());
    let warnings = warnings.unwrap_or_default();
    warnings.iter().for_each(|warning| note(warning));
}

/// Shows each download from the hub as a phase.
pub struct DownloadProgress {
    phases: Option<Phases>,
    done: u64,
}

impl DownloadProgress {
    /// Shows nothing until a download begins.
    pub fn new() -> DownloadProgress {
        DownloadProgress {
            phases: None,
            done: 0,
        }
    }

    fn end(self) {
        if let Some(phases) = self.phases {
            phases.end();
        }
    }
}

impl Default for DownloadProgress {
    fn default() -> Self {
        DownloadProgress::new()
    }
}

impl Download for DownloadProgress {
    fn file(&mut self, name: &str, bytes: u64) {
        self.done = 0;
        let name = format!("downloading {name}");
        let phases = self.phases.get_or_insert_with(Phases::new);
        phases.begin(&name, Some(bytes), Unit::Bytes);
    }

    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        if let Some(phases) = &self.phases {
            phases.set(self.done);
        }
    }
}
