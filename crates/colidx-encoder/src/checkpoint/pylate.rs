//! The layout that PyLate writes: a sentence-transformers directory whose `modules.json` lists a Transformer and Dense
//! modules, with ColBERT's settings in `config_sentence_transformers.json`.

use super::chain::Chain;
use super::description::{Description, punctuation};
use super::prompts;
use super::reading::Reading;
use crate::EncoderError;
use crate::layout::MODULES;
use crate::settings::{Setting, SettingsFile, Unknown};
use crate::text::{Expansion, Manner, RoleSettings, TextSettings};

const WHOSE: &str = "PyLate";

/// Settings that PyLate alone writes.
const KEYS: [&str; 7] = [
    "query_prefix",
    "document_prefix",
    "query_length",
    "document_length",
    "skiplist_words",
    "do_query_expansion",
    "attend_to_expansion_tokens",
];

/// Whether any setting is one that PyLate alone writes.
pub(super) fn has_settings(settings: &SettingsFile) -> bool {
    KEYS.iter().any(|key| settings.has(key))
}

/// The first setting that PyLate alone writes.
pub(super) fn first_setting(settings: &SettingsFile) -> Option<&'static str> {
    KEYS.into_iter().find(|key| settings.has(key))
}

/// What the files say.
pub(super) fn describe(reading: &mut Reading<'_>) -> Result<Description, EncoderError> {
    reading.sentence.without_lengths()?;
    let notes = &mut reading.notes;
    let mut chain = Chain::default();
    for module in reading.modules.iter().flatten() {
        match module.class() {
            "Dense" => chain.dense(reading.root, &module.path, "Identity", notes)?,
            // A mean of all tokens, and the length of a vector that has length one anyway.
            "Pooling" | "Normalize" => {}
            class => notes.push(format!(
                "{MODULES}: the module {class} in `{}` is passed over, as PyLate does",
                module.path
            )),
        }
    }
    chain.normalize_as(WHOSE);
    let settings = &mut reading.settings;
    let (query_prompt, document_prompt) = prompts::take(settings)?;
    let skiplist = settings.take_or("skiplist_words", punctuation(), WHOSE)?;
    let query = RoleSettings {
        marker: settings.take_or("query_prefix", "[Q] ".to_owned(), WHOSE)?,
        prompt: query_prompt,
        length: settings.take_or("query_length", 32, WHOSE)?,
        skiplist: Setting::default(Vec::new(), WHOSE),
        keep_only: Setting::default(Vec::new(), WHOSE),
    };
    let text = TextSettings {
        expansion: Expansion {
            on: settings.take_or("do_query_expansion", true, WHOSE)?,
            length: query.length.clone(),
            attend: settings.take_or("attend_to_expansion_tokens", false, WHOSE)?,
            token: Setting::default(None, WHOSE),
        },
        query,
        document: RoleSettings {
            marker: settings.take_or("document_prefix", "[D] ".to_owned(), WHOSE)?,
            prompt: document_prompt,
            length: settings.take_or("document_length", 180, WHOSE)?,
            skiplist,
            keep_only: Setting::default(Vec::new(), WHOSE),
        },
        lower_case: reading.sentence.lower_case.clone(),
        manner: Manner::PyLate,
    };
    reading.settings.pass_over(&["similarity_fn_name"]);
    let rest = reading.settings.rest();
    rest.finish(Unknown::Tell, &mut reading.notes)?;
    Ok(Description {
        layout: WHOSE,
        text,
        chain,
    })
}
