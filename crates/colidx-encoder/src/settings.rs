//! Settings with their origins, and the JSON files that hold them.
//!
//! A reader takes the keys that it understands out of a file. [`SettingsFile::finish`] refuses or
//! reports the rest, so that no setting is ignored silently.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::EncoderError;
use crate::files;

/// Origin of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A key in a file of the checkpoint.
    File { file: String, key: String },
    /// No file sets it; this is the default of the library named here.
    Default(&'static str),
    /// The caller's options.
    Options,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { file, key } => write!(f, "{file}: {key}"),
            Origin::Default(owner) => write!(f, "default of {owner}"),
            Origin::Options => f.write_str("option"),
        }
    }
}

/// A setting and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    /// The default of `owner` for a setting that no file names.
    pub(crate) fn default(value: T, owner: &'static str) -> Setting<T> {
        Setting {
            value,
            origin: Origin::Default(owner),
        }
    }

    /// A value from the caller's options.
    pub(crate) fn from_options(value: T) -> Setting<T> {
        Setting {
            value,
            origin: Origin::Options,
        }
    }

    /// The setting with its value converted.
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: f(self.value),
            origin: self.origin,
        }
    }
}

/// A setting that affects vectors, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SettingInfo {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The file and key that set it, the library whose default it is, or `option`.
    pub origin: String,
}

impl SettingInfo {
    pub(crate) fn new<T>(
        name: &str,
        setting: &Setting<T>,
        value: impl Into<String>,
    ) -> SettingInfo {
        SettingInfo {
            name: name.to_owned(),
            value: value.into(),
            origin: setting.origin.to_string(),
        }
    }
}

/// What to do with keys that no reader took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownKeys {
    /// Refuse the checkpoint: most keys of this file affect vectors.
    Refuse,
    /// Add a note: most keys of this file affect no vector.
    Note,
}

/// The keys of a JSON object that were not taken yet. A missing file is an empty object.
pub(crate) struct SettingsFile {
    path: PathBuf,
    /// The path relative to the checkpoint, for messages.
    name: String,
    settings: Map<String, Value>,
}

impl SettingsFile {
    /// Reads the file `name` of `root`.
    pub(crate) fn open(root: &Path, name: &str) -> Result<SettingsFile, EncoderError> {
        let path = root.join(name);
        Ok(SettingsFile {
            settings: files::read_json_if_present(&path)?,
            path,
            name: name.to_owned(),
        })
    }

    /// Reads the file at `path`, which must exist. Messages call it `name`.
    pub(crate) fn read(path: &Path, name: &str) -> Result<SettingsFile, EncoderError> {
        Ok(SettingsFile {
            settings: files::read_json(path)?,
            path: path.to_owned(),
            name: name.to_owned(),
        })
    }

    /// A nested object; messages prefix its keys with `key`.
    pub(crate) fn nested(&self, key: &str, settings: Map<String, Value>) -> SettingsFile {
        SettingsFile {
            path: self.path.clone(),
            name: format!("{}: {key}", self.name),
            settings,
        }
    }

    /// Takes out all keys that are left.
    pub(crate) fn take_rest(&mut self) -> SettingsFile {
        let rest = std::mem::take(&mut self.settings);
        self.with_settings(rest)
    }

    /// The same file with other settings.
    pub(crate) fn with_settings(&self, settings: Map<String, Value>) -> SettingsFile {
        SettingsFile {
            path: self.path.clone(),
            name: self.name.clone(),
            settings,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The keys that were not taken yet.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        self.settings.keys().cloned()
    }

    /// Whether every key was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// Whether `key` is present and not null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|value| !value.is_null())
    }

    /// Whether `key` is present as null.
    pub(crate) fn is_null(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(Value::is_null)
    }

    /// The origin of a setting under `key`.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        Origin::File {
            file: self.name.clone(),
            key: key.to_owned(),
        }
    }

    /// Takes out the setting `key`. Null counts as absent.
    ///
    /// # Errors
    /// If the value is not a `T`.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> Result<Option<Setting<T>>, EncoderError> {
        match self.settings.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => Ok(Some(Setting {
                    value,
                    origin: self.origin(key),
                })),
                Err(error) => Err(self.problem(format!("{key}: {error}"))),
            },
        }
    }

    /// As [`take`](Self::take), or the default of `owner`.
    pub(crate) fn take_or<T: DeserializeOwned>(
        &mut self,
        key: &str,
        default: T,
        owner: &'static str,
    ) -> Result<Setting<T>, EncoderError> {
        let taken = self.take(key)?;
        Ok(taken.unwrap_or_else(|| Setting::default(default, owner)))
    }

    /// Takes out `key`, whose only supported values are absence and those that pass `allowed`.
    ///
    /// # Errors
    /// If the value is not supported; `known` describes those that are.
    pub(crate) fn refuse_unless(
        &mut self,
        key: &str,
        allowed: impl FnOnce(&Value) -> bool,
        known: &'static str,
    ) -> Result<(), EncoderError> {
        match self.settings.remove(key) {
            Some(value) if !is_empty_value(&value) && !allowed(&value) => {
                Err(self.unsupported(format!("{key} {value}"), known))
            }
            _ => Ok(()),
        }
    }

    /// Takes out keys that affect no vector.
    pub(crate) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.settings.remove(*key);
        }
    }

    /// Refuses the keys that are left, or reports them in `notes`.
    ///
    /// # Errors
    /// If a key is left and unknown keys are refused.
    pub(crate) fn finish(
        mut self,
        unknown: UnknownKeys,
        notes: &mut Vec<String>,
    ) -> Result<(), EncoderError> {
        self.settings.retain(|_, value| !is_empty_value(value));
        let Some(key) = self.settings.keys().next() else {
            return Ok(());
        };
        if unknown == UnknownKeys::Refuse {
            return Err(self.unsupported(
                format!("the key `{key}`, which colidx does not know,"),
                "the keys that sentence-transformers 6.2 and PyLate 1.6 write",
            ));
        }
        let keys: Vec<String> = self.settings.keys().map(|key| format!("`{key}`")).collect();
        let (keys, them) = match keys.len() {
            1 => (format!("the key {}", keys[0]), "it"),
            _ => (format!("the keys {}", keys.join(", ")), "them"),
        };
        notes.push(format!(
            "{}: colidx does not know {keys} and makes its vectors without {them}",
            self.name
        ));
        Ok(())
    }

    /// An error about this file.
    pub(crate) fn problem(&self, problem: String) -> EncoderError {
        EncoderError::Config {
            path: self.path.clone(),
            problem,
        }
    }

    /// An error about an unsupported setting of this file.
    pub(crate) fn unsupported(&self, feature: String, known: &'static str) -> EncoderError {
        EncoderError::Unsupported {
            path: self.path.clone(),
            feature,
            known,
        }
    }
}

/// Whether a value is null, false or empty, which no reader needs to know.
fn is_empty_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> (tempfile::TempDir, SettingsFile) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json"), json).unwrap();
        let file = SettingsFile::open(folder.path(), "a.json").unwrap();
        (folder, file)
    }

    #[test]
    fn unknown_keys_are_refused_or_reported() {
        let json = r#"{"known": 3, "null": null, "off": false, "new": 1, "newer": [2]}"#;
        let (_folder, mut settings) = file(json);
        let known: Setting<usize> = settings.take("known").unwrap().unwrap();
        assert_eq!(
            (known.value, known.origin.to_string()),
            (3, "a.json: known".into())
        );
        let mut notes = Vec::new();
        settings.finish(UnknownKeys::Note, &mut notes).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0].contains("a.json") && notes[0].contains("`new`, `newer`"),
            "{notes:?}"
        );
        assert!(!notes[0].contains("off"), "{notes:?}");

        let (_folder, settings) = file(json);
        let error = settings
            .finish(UnknownKeys::Refuse, &mut notes)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a.json") && error.contains("`known`"),
            "{error}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error_with_file_and_key() {
        let (_folder, mut settings) = file(r#"{"length": "long"}"#);
        let error = settings.take::<usize>("length").unwrap_err().to_string();
        assert!(
            error.contains("a.json") && error.contains("length"),
            "{error}"
        );
    }

    #[test]
    fn values_without_effect_are_not_refused() {
        let (_folder, mut settings) = file(r#"{"a": null, "b": {}, "c": "fine", "d": "bad"}"#);
        let fine = |value: &Value| value == "fine";
        for key in ["a", "b", "c"] {
            settings.refuse_unless(key, fine, "fine").unwrap();
        }
        let error = settings.refuse_unless("d", fine, "fine").unwrap_err();
        assert!(error.to_string().contains(r#"d "bad""#), "{error}");
    }
}
