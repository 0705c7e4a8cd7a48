//! The prompts of a checkpoint: text put before every query and every document.

use std::collections::BTreeMap;

use crate::EncoderError;
use crate::layout::SETTINGS;
use crate::settings::{Origin, Setting, SettingsFile};

/// Names for the prompt of documents.
const DOCUMENT: [&str; 3] = ["document", "passage", "corpus"];

/// Takes the prompts of queries and of documents.
///
/// # Errors
/// If a default prompt differs from one of them.
pub(super) fn take(
    settings: &mut SettingsFile,
) -> Result<(Setting<String>, Setting<String>), EncoderError> {
    let prompts: Option<Setting<BTreeMap<String, Option<String>>>> = settings.take("prompts")?;
    let default: Option<Setting<String>> = settings.take("default_prompt_name")?;
    let named = |names: &[&str]| {
        let prompts = prompts.as_ref()?;
        let (name, text) = names.iter().find_map(|&name| {
            let text = prompts.value.get(name)?;
            Some((name, text.clone().unwrap_or_default()))
        })?;
        Some(Setting {
            value: text,
            origin: Origin::File {
                file: SETTINGS.to_owned(),
                key: format!("prompts.{name}"),
            },
        })
    };
    let or_none = |prompt: Option<Setting<String>>| {
        prompt.unwrap_or_else(|| Setting::default(String::new(), "sentence-transformers"))
    };
    let (query, document) = (or_none(named(&["query"])), or_none(named(&DOCUMENT)));
    if let Some(default) = default {
        let prompt = named(&[&default.value]);
        let text = prompt.as_ref().map(|prompt| &prompt.value);
        if text != Some(&query.value) || text != Some(&document.value) {
            return Err(settings.unsupported(
                format!("default_prompt_name `{}`", default.value),
                "no default prompt, or one that is the prompt of queries and documents",
            ));
        }
    }
    Ok((query, document))
}
