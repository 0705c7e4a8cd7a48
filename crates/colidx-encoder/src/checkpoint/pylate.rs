//! The layout that PyLate writes: a sentence-transformers directory whose `modules.json` lists a
//! Transformer and Dense modules, with ColBERT's settings in `config_sentence_transformers.json`.

use super::chain::Chain;
use super::description::{Description, punctuation};
use super::prompts;
use super::reader::Reader;
use crate::EncoderError;
use crate::layout::MODULES;
use crate::settings::{Setting, SettingsFile};
use crate::text::{Convention, Expansion, RoleSettings, TextSettings};

const OWNER: &str = "PyLate";

/// Settings that only PyLate writes.
const KEYS: [&str; 7] = [
    "query_prefix",
    "document_prefix",
    "query_length",
    "document_length",
    "skiplist_words",
    "do_query_expansion",
    "attend_to_expansion_tokens",
];

/// Whether any setting is one that only PyLate writes.
pub(super) fn has_settings(settings: &SettingsFile) -> bool {
    KEYS.iter().any(|key| settings.has(key))
}

/// The first setting that only PyLate writes.
pub(super) fn first_setting(settings: &SettingsFile) -> Option<&'static str> {
    KEYS.into_iter().find(|key| settings.has(key))
}

/// Reads the files of this layout.
pub(super) fn describe(reader: &mut Reader<'_>) -> Result<Description, EncoderError> {
    reader.sentence.without_lengths()?;
    let notes = &mut reader.notes;
    let mut chain = Chain::default();
    for module in reader.modules.iter().flatten() {
        match module.class() {
            "Dense" => chain.dense(reader.root, &module.path, "Identity", notes)?,
            // PyLate normalizes in any case, and needs no mean of the tokens.
            "Pooling" | "Normalize" => {}
            class => notes.push(format!(
                "{MODULES}: the module {class} in `{}` is passed over, as PyLate does",
                module.path
            )),
        }
    }
    chain.normalize_as(OWNER);
    let settings = &mut reader.settings;
    let (query_prompt, document_prompt) = prompts::take(settings)?;
    let skiplist = settings.take_or("skiplist_words", punctuation(), OWNER)?;
    let query = RoleSettings {
        marker: settings.take_or("query_prefix", "[Q] ".to_owned(), OWNER)?,
        prompt: query_prompt,
        length: settings.take_or("query_length", 32, OWNER)?,
        skiplist: Setting::default(Vec::new(), OWNER),
        keep_only: Setting::default(Vec::new(), OWNER),
    };
    let text = TextSettings {
        expansion: Expansion {
            on: settings.take_or("do_query_expansion", true, OWNER)?,
            length: query.length.clone(),
            attend: settings.take_or("attend_to_expansion_tokens", false, OWNER)?,
            token: Setting::default(None, OWNER),
        },
        query,
        document: RoleSettings {
            marker: settings.take_or("document_prefix", "[D] ".to_owned(), OWNER)?,
            prompt: document_prompt,
            length: settings.take_or("document_length", 180, OWNER)?,
            skiplist,
            keep_only: Setting::default(Vec::new(), OWNER),
        },
        lower_case: reader.sentence.lower_case.clone(),
        convention: Convention::PyLate,
    };
    reader.settings.ignore(&["similarity_fn_name"]);
    reader.note_other_settings()?;
    Ok(Description {
        layout: OWNER,
        text,
        chain,
    })
}
