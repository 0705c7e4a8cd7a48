//! The checkpoint of an index: found, opened, and compared with what the index records of it.

use std::path::{Path, PathBuf};

use colidx_core::{Index, ModelInfo};
#[cfg(feature = "hub")]
use colidx_encoder::hub::{Hub, ModelId};
use colidx_encoder::{CheckpointInfo, Encoder, EncoderOptions};

use super::error::{Result, TextError};

/// An open checkpoint, and what finds it again.
pub struct Model {
    encoder: Encoder,
    directory: PathBuf,
    location: String,
    options: EncoderOptions,
}

/// Watches a checkpoint arrive from the hub.
pub trait Download {
    /// A file of `bytes` begins to arrive, or resumes after a failure.
    fn file(&mut self, name: &str, bytes: u64);

    /// `bytes` more of it are here.
    fn advance(&mut self, bytes: u64);

    /// Whether to stop. What has arrived is kept, and the next download resumes there.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Download for Silent {
    fn file(&mut self, _: &str, _: u64) {}

    fn advance(&mut self, _: u64) {}
}

impl Model {
    /// Opens the checkpoint that `name` names: a directory, or `owner/name[@revision]` on the hub,
    /// whose files are downloaded where the cache of this machine lacks them.
    ///
    /// # Errors
    /// There is no such directory or repository, or it holds no checkpoint that can be used.
    pub fn open(name: &str, options: &EncoderOptions) -> Result<Model> {
        Model::open_watched(name, options, &mut Silent)
    }

    /// As [`Model::open`], and tells `download` what arrives.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_watched(
        name: &str,
        options: &EncoderOptions,
        download: &mut dyn Download,
    ) -> Result<Model> {
        let path = Path::new(name);
        let (directory, location) = if path.is_dir() {
            let absolute = std::path::absolute(path).map_err(|error| no_model(path, error))?;
            (path.to_owned(), absolute.display().to_string())
        } else if path.exists() {
            let reason = "it is no directory; name the one that holds config.json and the weights";
            return Err(no_model(path, reason));
        } else {
            fetch(name, download)?
        };
        let encoder = Encoder::open(&directory, options)?;
        Ok(Model {
            encoder,
            directory,
            location,
            options: options.clone(),
        })
    }

    /// Opens the checkpoint to search or grow `index` with: the one that `name` names, or else the
    /// one that the index records. Lengths and prompts are those that the index records unless
    /// `options` ask for others for queries, which [`Opened::notes`] then says.
    ///
    /// # Errors
    /// Neither names a checkpoint, it is not the one that made the index, or `options` would encode
    /// documents otherwise.
    pub fn of_index(
        index: &Index,
        name: Option<&str>,
        options: &EncoderOptions,
        download: &mut dyn Download,
    ) -> Result<Opened> {
        let recorded = index.model();
        let mut options = options.clone();
        let mut notes = Vec::new();
        if let Some(recorded) = recorded {
            notes = as_recorded(&mut options, recorded, index.path())?;
        }
        let model = match (name, recorded) {
            (Some(name), _) => Model::open_watched(name, &options, download)?,
            (None, Some(recorded)) => Model::open_watched(&recorded.location, &options, download)
                .map_err(|error| match error {
                TextError::NoModel { path, reason } => TextError::ModelMoved {
                    path,
                    reason,
                    index: index.path().to_owned(),
                    name: recorded.name.clone(),
                },
                other => other,
            })?,
            (None, None) => {
                return Err(TextError::NoModelRecorded {
                    index: index.path().to_owned(),
                });
            }
        };
        model.check(index)?;
        Ok(Opened { model, notes })
    }

    /// Whether `index` can be searched with this checkpoint's vectors. Everything that brings an
    /// index and a checkpoint together asks this.
    ///
    /// # Errors
    /// The index records another checkpoint, or holds vectors of another dimension.
    pub fn check(&self, index: &Index) -> Result<()> {
        let info = self.info();
        match index.model() {
            Some(recorded) if recorded.fingerprint != info.fingerprint => {
                Err(TextError::WrongModel {
                    model: self.directory.clone(),
                    index: index.path().to_owned(),
                    expected: recorded.fingerprint.clone(),
                    got: info.fingerprint.clone(),
                })
            }
            _ if index.dim() != info.dim => Err(TextError::WrongDimension {
                model: self.directory.clone(),
                index: index.path().to_owned(),
                expected: index.dim(),
                got: info.dim,
            }),
            _ => Ok(()),
        }
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// What the checkpoint says of itself.
    pub fn info(&self) -> &CheckpointInfo {
        self.encoder.info()
    }

    /// The directory of its files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What finds the same checkpoint again: an absolute path, or a hub id with its commit.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What a person who chose this checkpoint should know, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.info().projected {
            warnings.push(format!(
                "{}: an encoder without a projection, probably not trained for late interaction; its token vectors are used as they are",
                self.location
            ));
        }
        warnings.extend(self.info().notes.iter().cloned());
        warnings
    }

    /// What an index is to record of this checkpoint.
    pub fn to_record(&self) -> ModelInfo {
        let info = self.info();
        ModelInfo::new(&info.name, info.document_length, info.query_length)
            .location(&self.location)
            .fingerprint(&info.fingerprint)
            .architecture(&info.architecture)
            .document_marker(&info.document_marker)
            .query_marker(&info.query_marker)
            .document_prompt(&info.document_prompt)
            .query_prompt(&info.query_prompt)
            .skiplist(info.skiplist.clone())
            .precision(self.options.precision.to_string())
    }
}

/// A checkpoint that fits an index.
#[non_exhaustive]
pub struct Opened {
    /// The checkpoint.
    pub model: Model,
    /// Settings for queries that differ from those that the index records, in sentences.
    pub notes: Vec<String>,
}

fn no_model(path: &Path, reason: impl ToString) -> TextError {
    TextError::NoModel {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Directory and location of a checkpoint on the hub.
#[cfg(feature = "hub")]
fn fetch(name: &str, download: &mut dyn Download) -> Result<(PathBuf, String)> {
    struct Adapter<'a>(&'a mut dyn Download);
    impl colidx_encoder::hub::Progress for Adapter<'_> {
        fn file(&mut self, name: &str, bytes: u64) {
            self.0.file(name, bytes);
        }

        fn advance(&mut self, bytes: u64) {
            self.0.advance(bytes);
        }

        fn cancelled(&self) -> bool {
            self.0.cancelled()
        }
    }

    let Ok(id) = name.parse::<ModelId>() else {
        let reason = "there is no such directory; name the directory of a checkpoint, or a hub id as owner/name";
        return Err(no_model(Path::new(name), reason));
    };
    let directory = Hub::from_env()?.fetch(&id, &mut Adapter(download))?;
    let commit = directory.file_name().unwrap_or_default().to_string_lossy();
    let location = format!("{}@{commit}", id.repository());
    Ok((directory, location))
}

#[cfg(not(feature = "hub"))]
fn fetch(name: &str, _: &mut dyn Download) -> Result<(PathBuf, String)> {
    let reason = "there is no such directory, and this program was built without the model hub";
    Err(no_model(Path::new(name), reason))
}

/// Sets `options` as `recorded`, and returns in which settings for queries they ask for something
/// else.
///
/// # Errors
/// Documents would be encoded otherwise.
fn as_recorded(
    options: &mut EncoderOptions,
    recorded: &ModelInfo,
    index: &Path,
) -> Result<Vec<String>> {
    let refuse = |setting, (got, expected): (String, String)| TextError::OtherSetting {
        setting,
        index: index.to_owned(),
        expected,
        got,
    };
    let quoted = |(got, expected): (String, String)| (format!("{got:?}"), format!("{expected:?}"));
    let numbers = |(got, expected): (usize, usize)| (got.to_string(), expected.to_string());
    if let Some(both) = differs(&mut options.document_prompt, &recorded.document_prompt) {
        return Err(refuse("the document prompt", quoted(both)));
    }
    if let Some(both) = differs(&mut options.document_length, &recorded.document_length) {
        return Err(refuse("the document length", numbers(both)));
    }
    let note = |setting: &str, (got, expected): (String, String)| {
        format!(
            "{setting} {got} is not that of {}, {expected}",
            index.display()
        )
    };
    let mut notes = Vec::new();
    if let Some(both) = differs(&mut options.query_prompt, &recorded.query_prompt) {
        notes.push(note("the query prompt", quoted(both)));
    }
    if let Some(both) = differs(&mut options.query_length, &recorded.query_length) {
        notes.push(note("the query length", numbers(both)));
    }
    Ok(notes)
}

/// Sets `option` to what is `recorded`, unless it asks for something else: then both come back.
fn differs<T: PartialEq + Clone>(option: &mut Option<T>, recorded: &T) -> Option<(T, T)> {
    match option {
        Some(asked) if asked != recorded => Some((asked.clone(), recorded.clone())),
        _ => {
            *option = Some(recorded.clone());
            None
        }
    }
}
