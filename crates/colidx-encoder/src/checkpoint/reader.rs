//! Reads what all layouts share: the list of modules, the transformer's folder, and the files in
//! it.

use std::path::{Path, PathBuf};

use super::model_config::ModelConfig;
use super::sentence::SentenceConfig;
use crate::EncoderError;
use crate::files;
use crate::layout::{CONFIG, METADATA, MODULES, Module, SETTINGS, read_modules};
use crate::model::{Transformer, TransformerInfo};
use crate::settings::{SettingsFile, UnknownKeys};
use crate::text::TokenizerConfig;
use crate::weights::Weights;

/// A checkpoint directory being read.
pub(super) struct Reader<'a> {
    pub(super) root: &'a Path,
    /// The modules after the transformer; none without a `modules.json`.
    pub(super) modules: Option<Vec<Module>>,
    /// The folder of the transformer and the tokenizer, relative to the checkpoint; empty for the
    /// checkpoint itself.
    pub(super) transformer: String,
    /// `config_sentence_transformers.json`.
    pub(super) settings: SettingsFile,
    /// `sentence_bert_config.json` or one of its siblings.
    pub(super) sentence: SentenceConfig,
    pub(super) model: ModelConfig,
    pub(super) info: TransformerInfo,
    pub(super) tokenizer: TokenizerConfig,
    /// Notes to show with the checkpoint.
    pub(super) notes: Vec<String>,
    model_type_of_settings: Option<String>,
}

impl<'a> Reader<'a> {
    /// Reads what all layouts share from the directory `root`.
    pub(super) fn open(root: &'a Path) -> Result<Reader<'a>, EncoderError> {
        let is_there = |name| files::is_file(&root.join(name));
        let is_listed = is_there(MODULES)?;
        if !(is_listed || is_there(METADATA)? || is_there(CONFIG)?) {
            return Err(EncoderError::NoCheckpoint {
                path: root.to_owned(),
                expected: "modules.json, artifact.metadata or config.json",
            });
        }
        let (transformer, modules) = if is_listed {
            let (transformer, modules) = modules(root)?;
            (transformer, Some(modules))
        } else {
            (String::new(), None)
        };
        let mut notes = Vec::new();
        let mut settings = SettingsFile::open(root, SETTINGS)?;
        let model_type = settings.take::<String>("model_type")?;
        settings.ignore(&["__version__"]);
        let model = ModelConfig::read(root, &transformer)?;
        let config = root.join(files::inside(&transformer, CONFIG));
        let info = Transformer::read_info(&config)?;
        let class = model.tokenizer_class.clone();
        Ok(Reader {
            sentence: SentenceConfig::read(root, &transformer, &mut notes)?,
            tokenizer: TokenizerConfig::read(
                root,
                &transformer,
                &info.architecture,
                class,
                &mut notes,
            )?,
            root,
            modules,
            transformer,
            settings,
            model,
            info,
            notes,
            model_type_of_settings: model_type.map(|model_type| model_type.value),
        })
    }

    /// The folder of the transformer and the tokenizer.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join(&self.transformer)
    }

    /// `model_type` in `config_sentence_transformers.json`.
    pub(super) fn model_type_of_settings(&self) -> Option<&str> {
        self.model_type_of_settings.as_deref()
    }

    /// Whether a module of this class is listed.
    pub(super) fn lists(&self, class: &str) -> bool {
        let modules = self.modules.iter().flatten();
        modules.into_iter().any(|module| module.class() == class)
    }

    /// Whether there is the file `name`, relative to the checkpoint.
    pub(super) fn has(&self, name: &str) -> bool {
        files::exists(&self.root.join(name))
    }

    /// As [`has`](Self::has), in the transformer's folder.
    pub(super) fn has_beside_weights(&self, name: &str) -> bool {
        self.has(&files::inside(&self.transformer, name))
    }

    /// Whether the weights include ColBERT's projection.
    pub(super) fn has_linear(&self) -> Result<bool, EncoderError> {
        Ok(Weights::open(&self.folder())?.has("linear.weight"))
    }

    /// Notes the keys of `config_sentence_transformers.json` that no layout has taken.
    pub(super) fn note_other_settings(&mut self) -> Result<(), EncoderError> {
        let rest = self.settings.take_rest();
        rest.finish(UnknownKeys::Note, &mut self.notes)
    }
}

/// The transformer's folder and the modules after it.
fn modules(root: &Path) -> Result<(String, Vec<Module>), EncoderError> {
    let path = root.join(MODULES);
    let mut modules = read_modules(&path)?;
    let problem = |problem: String| EncoderError::Config {
        path: path.clone(),
        problem,
    };
    if let Some(module) = modules.iter().find(|m| !files::is_inside(&m.path)) {
        return Err(problem(format!(
            "`{}` is no folder of the checkpoint",
            module.path
        )));
    }
    match modules.first() {
        None => Err(problem("the list of modules is empty".to_owned())),
        Some(first) if first.class() != "Transformer" => Err(problem(format!(
            "the first module should be a Transformer and is {}",
            first.class_path
        ))),
        Some(_) => {
            let rest = modules.split_off(1);
            Ok((modules.swap_remove(0).path, rest))
        }
    }
}
