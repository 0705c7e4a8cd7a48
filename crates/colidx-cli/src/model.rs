//! Finding and opening a checkpoint: a directory, or a repository of the model hub.

use std::path::{Path, PathBuf};

use colidx_encoder::hub::{Hub, ModelId, Progress};
use colidx_encoder::{Encoder, EncoderOptions};

use crate::error::CliError;
use crate::output::note;
use crate::progress::{Phases, Unit};

/// An open checkpoint, and what to call it.
pub struct Model {
    /// The checkpoint.
    pub encoder: Encoder,
    /// Its directory.
    pub directory: PathBuf,
    /// What finds the same checkpoint again: an absolute path, or a hub id with its commit.
    pub location: String,
}

/// Opens the checkpoint that `model` names: a directory, or `owner/name[@revision]` on the hub. What the hub's cache on this
/// machine lacks is downloaded.
///
/// # Errors
/// There is no such directory and no such repository, or it is no checkpoint that can be used.
pub fn open(model: &str, options: &EncoderOptions) -> Result<Model, CliError> {
    let path = Path::new(model);
    let (directory, location) = if path.is_dir() {
        let absolute = std::path::absolute(path).map_err(|error| no_model(path, error))?;
        (path.to_owned(), absolute.display().to_string())
    } else if path.exists() {
        let reason = "it is no directory; name the one that holds config.json and the weights";
        return Err(no_model(path, reason));
    } else {
        let Ok(id) = model.parse::<ModelId>() else {
            let reason = "there is no such directory; name the directory of a checkpoint, or a hub id as owner/name";
            return Err(no_model(path, reason));
        };
        let directory = fetch(&id)?;
        let commit = directory.file_name().unwrap_or_default().to_string_lossy();
        let location = format!("{}@{commit}", id.repository());
        (directory, location)
    };
    let encoder = Encoder::open(&directory, options)?;
    if !encoder.info().projected {
        note(&format!(
            "{location}: an encoder without a projection, probably not trained for late interaction; its token vectors are used as they are"
        ));
    }
    for told in &encoder.info().notes {
        note(told);
    }
    Ok(Model {
        encoder,
        directory,
        location,
    })
}

fn no_model(path: &Path, reason: impl ToString) -> CliError {
    CliError::NoModel {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn fetch(id: &ModelId) -> Result<PathBuf, CliError> {
    let mut arrival = Arrival {
        phases: Phases::new(),
        done: 0,
    };
    let directory = Hub::from_env()?.fetch(id, &mut arrival)?;
    arrival.phases.end();
    Ok(directory)
}

/// Shows each file as a phase.
struct Arrival {
    phases: Phases,
    done: u64,
}

impl Progress for Arrival {
    fn file(&mut self, name: &str, bytes: u64) {
        self.done = 0;
        let name = format!("fetching {name}");
        self.phases.begin(&name, Some(bytes), Unit::Bytes);
    }

    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        self.phases.set(self.done);
    }
}
