//! The layout that PyLate writes: a sentence-transformers directory whose `modules.json` lists a Transformer and Dense
//! modules, with ColBERT's settings in `config_sentence_transformers.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Description, Projector, plain, punctuation};
use crate::EncoderError;
use crate::files;
use crate::text::{Manner, TextSettings};

/// The file that tells the layout.
pub(super) const MODULES: &str = "modules.json";
const SETTINGS: &str = "config_sentence_transformers.json";

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// `config_sentence_transformers.json`; what is absent has PyLate's default.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    query_prefix: Option<String>,
    document_prefix: Option<String>,
    query_length: Option<usize>,
    document_length: Option<usize>,
    do_query_expansion: Option<bool>,
    attend_to_expansion_tokens: Option<bool>,
    skiplist_words: Option<Vec<String>>,
    default_prompt_name: Option<String>,
    prompts: Option<BTreeMap<String, String>>,
}

/// `sentence_bert_config.json`. Its `max_seq_length` has no effect in PyLate, which sets the length for every call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TransformerSettings {
    do_lower_case: bool,
}

/// What the files at `root` say.
pub(super) fn describe(root: &Path) -> Result<Description, EncoderError> {
    let modules: Vec<Module> = files::read_json(&root.join(MODULES))?;
    let Some((first, rest)) = modules.split_first() else {
        return Err(config(root, MODULES, "the list of modules is empty"));
    };
    if class(&first.kind) != "Transformer" {
        let found = format!(
            "the first module should be a Transformer and is {}",
            first.kind
        );
        return Err(config(root, MODULES, &found));
    }
    if let Some(module) = modules.iter().find(|m| !files::is_inside(&m.path)) {
        let found = format!("`{}` is no folder of the checkpoint", module.path);
        return Err(config(root, MODULES, &found));
    }
    // PyLate runs the Transformer and the Dense modules and ignores all others (Pooling, Normalize).
    let dense: Vec<Projector> = rest
        .iter()
        .filter(|module| class(&module.kind) == "Dense")
        .map(|module| Projector::Module(module.path.clone()))
        .collect();
    let settings: Settings = files::read_json_if_present(&root.join(SETTINGS))?;
    settings.check_prompts(root)?;
    if dense.is_empty() && !settings.are_of_colbert() {
        return plain::describe(root, &first.path);
    }
    let transformer_settings: TransformerSettings =
        files::read_json_if_present(&root.join(&first.path).join("sentence_bert_config.json"))?;
    Ok(Description {
        layout: "PyLate",
        settings: root.join(SETTINGS),
        transformer: first.path.clone(),
        projection: dense,
        text: TextSettings {
            query_marker: settings.query_prefix.unwrap_or_else(|| "[Q] ".to_owned()),
            document_marker: settings
                .document_prefix
                .unwrap_or_else(|| "[D] ".to_owned()),
            query_length: settings.query_length.unwrap_or(32),
            document_length: settings.document_length.unwrap_or(180),
            query_expansion: settings.do_query_expansion.unwrap_or(true),
            attend_to_expansion_tokens: settings.attend_to_expansion_tokens.unwrap_or(false),
            skiplist: settings.skiplist_words.unwrap_or_else(punctuation),
            manner: Manner::PyLate,
            lower_case: transformer_settings.do_lower_case,
        },
        own_files: vec![MODULES, SETTINGS],
    })
}

impl Settings {
    /// Whether any of them is one that PyLate alone writes.
    fn are_of_colbert(&self) -> bool {
        self.query_prefix.is_some()
            || self.document_prefix.is_some()
            || self.query_length.is_some()
            || self.document_length.is_some()
            || self.skiplist_words.is_some()
            || self.do_query_expansion.is_some()
            || self.attend_to_expansion_tokens.is_some()
    }

    /// The default prompt would stand before every text, query or document; an empty one changes nothing.
    fn check_prompts(&self, root: &Path) -> Result<(), EncoderError> {
        let Some(name) = &self.default_prompt_name else {
            return Ok(());
        };
        match self.prompts.as_ref().and_then(|prompts| prompts.get(name)) {
            Some(prompt) if prompt.is_empty() => Ok(()),
            _ => Err(EncoderError::Unsupported {
                path: root.join(SETTINGS),
                feature: format!("default_prompt_name `{name}`"),
                known: "no default prompt, or an empty one",
            }),
        }
    }
}

/// The class at the end of a dotted Python path.
fn class(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn config(root: &Path, name: &str, problem: &str) -> EncoderError {
    EncoderError::Config {
        path: root.join(name),
        problem: problem.to_owned(),
    }
}
