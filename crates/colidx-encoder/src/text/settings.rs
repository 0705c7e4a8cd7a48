//! How texts are tokenized, and which tokens get vectors.

use crate::settings::{Setting, SettingInfo};

/// How texts are tokenized: the settings of a checkpoint that the tokenizer needs.
#[derive(Clone, Debug)]
pub(crate) struct TextSettings {
    pub(crate) query: RoleSettings,
    pub(crate) document: RoleSettings,
    /// How queries are padded.
    pub(crate) expansion: Expansion,
    /// Whether texts are lower-cased before any other step.
    pub(crate) lower_case: Setting<bool>,
    pub(crate) convention: Convention,
}

/// Settings of queries or of documents.
#[derive(Clone, Debug)]
pub(crate) struct RoleSettings {
    /// The token inserted after the first one; empty for none.
    pub(crate) marker: Setting<String>,
    /// Text put before a text and tokenized with it.
    pub(crate) prompt: Setting<String>,
    /// Maximum tokens, including special tokens and marker.
    pub(crate) length: Setting<usize>,
    /// Words whose tokens get no vector.
    pub(crate) skiplist: Setting<Vec<String>>,
    /// Ids of the only tokens that get vectors; empty for all.
    pub(crate) keep_only: Setting<Vec<u32>>,
}

/// Query expansion: tokens appended to a query, with vectors like its own.
#[derive(Clone, Debug)]
pub(crate) struct Expansion {
    pub(crate) on: Setting<bool>,
    /// Minimum tokens of an expanded query.
    pub(crate) length: Setting<usize>,
    /// Whether tokens attend to the expansion tokens.
    pub(crate) attend: Setting<bool>,
    /// The expansion token; none for the mask token or its substitute.
    pub(crate) token: Setting<Option<String>>,
}

impl Expansion {
    /// No expansion, the default of `owner`.
    pub(crate) fn none(owner: &'static str) -> Expansion {
        Expansion {
            on: Setting::default(false, owner),
            length: Setting::default(0, owner),
            attend: Setting::default(false, owner),
            token: Setting::default(None, owner),
        }
    }
}

/// The library whose tokenization is reproduced, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// White space around a text is stripped. A marker in a text is the marker token. A word of the
    /// skiplist is its token in the vocabulary, or the unknown token.
    PyLate,
    /// Texts are not stripped. A word of the skiplist is the first of its tokens. A padding token
    /// in a text has no vector in a document, and is a mask token in a query.
    ColBert,
    /// Texts are not stripped. Lower-casing is a step of the tokenizer. A word of the skiplist that
    /// is not in the vocabulary is ignored.
    SentenceTransformers,
    /// Texts are not stripped. The first token has no vector.
    FlagEmbedding,
}

impl TextSettings {
    /// Every setting, for the report.
    pub(crate) fn report(&self) -> Vec<SettingInfo> {
        let mut report = Vec::new();
        for (role, settings) in [("query", &self.query), ("document", &self.document)] {
            let name = |setting: &str| format!("{role} {setting}");
            let quoted = |text: &str| match text {
                "" => "none".to_owned(),
                text => format!("{text:?}"),
            };
            let (marker, prompt, length) = (&settings.marker, &settings.prompt, &settings.length);
            let skiplist = match settings.skiplist.value.len() {
                0 => "none".to_owned(),
                _ => settings.skiplist.value.join(" "),
            };
            report.extend([
                SettingInfo::new(&name("marker"), marker, quoted(&marker.value)),
                SettingInfo::new(&name("prompt"), prompt, quoted(&prompt.value)),
                SettingInfo::new(&name("length"), length, length.value.to_string()),
                SettingInfo::new(&name("skiplist"), &settings.skiplist, skiplist),
            ]);
            if !settings.keep_only.value.is_empty() {
                let ids: Vec<String> = settings
                    .keep_only
                    .value
                    .iter()
                    .map(u32::to_string)
                    .collect();
                report.push(SettingInfo::new(
                    &name("tokens kept"),
                    &settings.keep_only,
                    ids.join(" "),
                ));
            }
        }
        let expansion = &self.expansion;
        let yes = |value: bool| if value { "yes" } else { "no" };
        report.push(SettingInfo::new(
            "query expansion",
            &expansion.on,
            yes(expansion.on.value),
        ));
        if expansion.on.value {
            report.push(SettingInfo::new(
                "expanded to",
                &expansion.length,
                expansion.length.value.to_string(),
            ));
            report.push(SettingInfo::new(
                "expansion attended to",
                &expansion.attend,
                yes(expansion.attend.value),
            ));
        }
        report.push(SettingInfo::new(
            "lower-cased first",
            &self.lower_case,
            yes(self.lower_case.value),
        ));
        report
    }
}
