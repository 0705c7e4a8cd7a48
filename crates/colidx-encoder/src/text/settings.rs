//! How texts become tokens, and which tokens get vectors.

use crate::settings::{Setting, SettingInfo};

/// How texts become tokens: the part of a checkpoint's settings that the tokenizer needs.
#[derive(Clone, Debug)]
pub(crate) struct TextSettings {
    pub(crate) query: RoleSettings,
    pub(crate) document: RoleSettings,
    /// How queries are padded.
    pub(crate) expansion: Expansion,
    /// Whether texts are lower-cased before anything else.
    pub(crate) lower_case: Setting<bool>,
    pub(crate) convention: Convention,
}

/// What holds for queries, or for documents.
#[derive(Clone, Debug)]
pub(crate) struct RoleSettings {
    /// The token put after the first one; empty for none.
    pub(crate) marker: Setting<String>,
    /// Text put before a text and tokenised with it.
    pub(crate) prompt: Setting<String>,
    /// Most tokens, specials and marker included.
    pub(crate) length: Setting<usize>,
    /// Words whose tokens get no vector.
    pub(crate) skiplist: Setting<Vec<String>>,
    /// The only tokens that get vectors; empty for all.
    pub(crate) keep_only: Setting<Vec<u32>>,
}

/// Tokens that are put behind a query, and get vectors as its own tokens do.
#[derive(Clone, Debug)]
pub(crate) struct Expansion {
    pub(crate) on: Setting<bool>,
    /// Tokens that a query has then at least.
    pub(crate) length: Setting<usize>,
    /// Whether tokens attend to them.
    pub(crate) attend: Setting<bool>,
    /// The token; none for the mask token, or what stands in for it.
    pub(crate) token: Setting<Option<String>>,
}

impl Expansion {
    /// None, as `whose` has it.
    pub(crate) fn none(owner: &'static str) -> Expansion {
        Expansion {
            on: Setting::default(false, owner),
            length: Setting::default(0, owner),
            attend: Setting::default(false, owner),
            token: Setting::default(None, owner),
        }
    }
}

/// Whose way to tokenise, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// White space around a text is taken off; a marker written in a text is the marker; a word of the skiplist stands for
    /// the token that the vocabulary has for it, or else the unknown token.
    PyLate,
    /// A text is taken as it is; a word of the skiplist stands for the first token that it is tokenised to; a padding token
    /// written in a text has no vector in a document and is a mask token in a query.
    ColBert,
    /// A text is taken as it is; lower-casing is a step of the tokenizer; a word of the skiplist that the vocabulary lacks
    /// stands for nothing.
    SentenceTransformers,
    /// A text is taken as it is; the first token gets no vector.
    FlagEmbedding,
}

impl TextSettings {
    /// Every setting in words.
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
