//! The layout that PyLate writes: a sentence-transformers directory whose `modules.json` lists a Transformer and Dense
//! modules, with ColBERT's settings in `config_sentence_transformers.json`.

use std::path::Path;

use serde::Deserialize;

use super::{Checkpoint, CheckpointInfo, Weights, files};
use crate::model::{Dense, DenseConfig, Projection, Transformer};
use crate::text::{TextSettings, TextTokenizer};
use crate::{EncoderError, EncoderOptions};

/// The file that tells the layout.
pub(super) const MODULES: &str = "modules.json";
const SETTINGS: &str = "config_sentence_transformers.json";
const CONFIG: &str = "config.json";

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
}

/// `sentence_bert_config.json`. Its `max_seq_length` has no effect in PyLate, which sets the length for every call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TransformerSettings {
    do_lower_case: bool,
}

/// Opens the checkpoint at `root`.
pub(super) fn open(root: &Path, options: &EncoderOptions) -> Result<Checkpoint, EncoderError> {
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
    // PyLate runs the Transformer and the Dense modules and ignores all others (Pooling, Normalize).
    let dense: Vec<&Module> = rest.iter().filter(|m| class(&m.kind) == "Dense").collect();

    let folder = root.join(&first.path);
    let settings: Settings = files::read_json_if_present(&root.join(SETTINGS))?;
    let transformer_settings: TransformerSettings =
        files::read_json_if_present(&folder.join("sentence_bert_config.json"))?;
    if let Some(name) = &settings.default_prompt_name {
        return Err(EncoderError::Unsupported {
            path: root.join(SETTINGS),
            feature: format!("default_prompt_name `{name}`"),
            known: "no default prompt",
        });
    }

    let text = TextSettings {
        query_marker: settings.query_prefix.unwrap_or_else(|| "[Q] ".to_owned()),
        document_marker: settings
            .document_prefix
            .unwrap_or_else(|| "[D] ".to_owned()),
        query_length: settings.query_length.unwrap_or(32),
        document_length: settings.document_length.unwrap_or(180),
        query_expansion: settings.do_query_expansion.unwrap_or(true),
        attend_to_expansion_tokens: settings.attend_to_expansion_tokens.unwrap_or(false),
        skiplist: settings.skiplist_words.unwrap_or_else(punctuation),
        lower_case: transformer_settings.do_lower_case,
    };
    let ((loaded, tokenizer), fingerprint) = rayon::join(
        || {
            rayon::join(
                || load(root, &folder, &dense, options),
                || TextTokenizer::open(&folder, text),
            )
        },
        || files::fingerprint(root, &names(root, &first.path, &dense)?),
    );
    let (transformer, projection) = loaded?;
    let tokenizer = tokenizer?;
    let text = tokenizer.settings();
    for (name, length) in [
        ("query_length", text.query_length),
        ("document_length", text.document_length),
    ] {
        let positions = transformer.positions();
        if length > positions {
            let problem = format!("{name} is {length} and the model has {positions} positions");
            return Err(config(root, SETTINGS, &problem));
        }
    }
    let info = CheckpointInfo {
        name: files::checkpoint_name(root),
        architecture: transformer.architecture().to_owned(),
        dim: projection.dim(),
        hidden: transformer.hidden(),
        layers: transformer.layers(),
        projected: !dense.is_empty(),
        document_length: text.document_length,
        query_length: text.query_length,
        document_marker: text.document_marker.clone(),
        query_marker: text.query_marker.clone(),
        mask_token: tokenizer.mask_token().to_owned(),
        skiplist: text.skiplist.clone(),
        query_expansion: text.query_expansion,
        // Without expansion tokens there is nothing to attend to.
        attend_to_expansion_tokens: text.attend_to_expansion_tokens && text.query_expansion,
        lower_case: text.lower_case,
        fingerprint: fingerprint?,
    };
    Ok(Checkpoint {
        info,
        tokenizer,
        transformer,
        projection,
    })
}

fn load(
    root: &Path,
    folder: &Path,
    dense: &[&Module],
    options: &EncoderOptions,
) -> Result<(Transformer, Projection), EncoderError> {
    let transformer = Transformer::load(&folder.join(CONFIG), Weights::open(folder)?, options)?;
    let mut projection = Projection::new(transformer.hidden());
    for module in dense {
        let folder = root.join(&module.path);
        let path = folder.join(CONFIG);
        let config: DenseConfig = files::read_json(&path)?;
        if config.in_features != projection.dim() {
            return Err(EncoderError::DenseChain {
                path,
                expected: projection.dim(),
                found: config.in_features,
            });
        }
        projection.push(Dense::load(
            &path,
            &config,
            &Weights::open(&folder)?,
            transformer.placement(),
        )?);
    }
    Ok((transformer, projection))
}

/// The files that decide what vectors a text gets, relative to `root`.
fn names(root: &Path, transformer: &str, dense: &[&Module]) -> Result<Vec<String>, EncoderError> {
    let mut names = vec![MODULES.to_owned(), SETTINGS.to_owned()];
    let mut add = |folder: &str, name: &str| {
        let separator = if folder.is_empty() { "" } else { "/" };
        names.push(format!("{folder}{separator}{name}"));
    };
    for name in [
        CONFIG,
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ] {
        add(transformer, name);
    }
    for module in dense {
        add(&module.path, CONFIG);
    }
    for folder in std::iter::once(transformer).chain(dense.iter().map(|m| m.path.as_str())) {
        for name in Weights::files(&root.join(folder))? {
            add(folder, &name);
        }
    }
    Ok(names)
}

/// The class at the end of a dotted Python path.
fn class(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// PyLate's default skiplist: the ASCII punctuation.
fn punctuation() -> Vec<String> {
    (0u8..128)
        .filter(u8::is_ascii_punctuation)
        .map(|byte| char::from(byte).to_string())
        .collect()
}

fn config(root: &Path, name: &str, problem: &str) -> EncoderError {
    EncoderError::Config {
        path: root.join(name),
        problem: problem.to_owned(),
    }
}
