//! Text to token ids, as PyLate, ColBERT or sentence-transformers do it.

mod build;
mod config;
pub(crate) mod cut;
mod input;
mod settings;
mod tokenizers_shim;
mod tokens;
mod vocabulary;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use tokenizers::{AddedToken, PostProcessor, PostProcessorWrapper, Tokenizer, TruncationDirection};

use crate::EncoderError;
use crate::settings::{Origin, Setting, SettingInfo};
use build::Built;
pub(crate) use config::{Side, TokenizerConfig};
use cut::{Detail, Lookahead};
use input::{PromptedText, TokenizerInput};
pub(crate) use settings::{Convention, Expansion, RoleSettings, TextSettings};
pub use tokens::TokenSpan;
pub(crate) use tokens::Tokens;

/// A tokenizer with the settings of a checkpoint.
pub(crate) struct TextTokenizer {
    path: PathBuf,
    pub(crate) inner: Tokenizer,
    pub(crate) lookahead: Lookahead,
    /// Adds special tokens around a text. Kept apart from `inner` because truncation comes before.
    processor: Option<PostProcessorWrapper>,
    settings: TextSettings,
    query: Role,
    document: Role,
    /// The padding token, if one in a text counts as padding.
    padding: Option<u32>,
    mask: u32,
    mask_token: Setting<String>,
    pub(crate) truncation: Setting<Side>,
    /// Number of special tokens around a text.
    specials: usize,
    /// The settings applied to the tokenizer itself.
    report: Vec<SettingInfo>,
}

/// Settings of queries or of documents, as token ids.
struct Role {
    marker: Option<u32>,
    skip: HashSet<u32>,
    /// Empty for all tokens.
    keep_only: HashSet<u32>,
}

impl Role {
    /// Whether a token with this id gets a vector.
    fn keeps(&self, id: u32) -> bool {
        !self.skip.contains(&id) && (self.keep_only.is_empty() || self.keep_only.contains(&id))
    }
}

impl TextTokenizer {
    /// Reads the tokenizer of `folder` with the settings `config`. Deviations are added to `notes`.
    pub(crate) fn open(
        folder: &Path,
        config: &TokenizerConfig,
        settings: TextSettings,
        notes: &mut Vec<String>,
    ) -> Result<Self, EncoderError> {
        let Built {
            path,
            mut inner,
            truncation,
            padding,
            mut report,
        } = build::build(folder, config, &settings, notes)?;
        let bad = |problem| EncoderError::Tokenizer {
            path: path.clone(),
            problem,
        };
        let marked = [&settings.query, &settings.document]
            .iter()
            .any(|role| !role.marker.value.is_empty());
        if padding.value == Side::Left && (settings.expansion.on.value || marked) {
            return Err(EncoderError::Unsupported {
                path,
                feature: format!(
                    "padding on the left ({}), which moves markers and expansion tokens by the \
                     company of a text,",
                    padding.origin
                ),
                known: "padding_side right",
            });
        }

        let marker = |marker: &Setting<String>| match inner.token_to_id(&marker.value) {
            _ if marker.value.is_empty() => Ok(None),
            Some(id) => Ok(Some(id)),
            None => Err(EncoderError::NoMarker {
                path: path.clone(),
                token: marker.value.clone(),
                setting: setting_name(&marker.origin),
            }),
        };
        let query_marker = marker(&settings.query.marker)?;
        let document_marker = marker(&settings.document.marker)?;
        if settings.convention == Convention::PyLate {
            let markers = [
                &settings.query.marker.value,
                &settings.document.marker.value,
            ];
            let markers = markers.into_iter().filter(|marker| !marker.is_empty());
            let markers = markers.map(|marker| AddedToken::from(marker.as_str(), false));
            tokenizers_shim::call(|| inner.add_tokens(markers)).map_err(bad)?;
        }

        let (mask_token, mask) = match expansion_token(&inner, config, &settings) {
            Some((token, id)) => (token, id),
            None if settings.expansion.on.value => match &settings.expansion.token {
                Setting {
                    value: Some(token),
                    origin,
                } => {
                    return Err(EncoderError::NoMarker {
                        path,
                        token: token.clone(),
                        setting: setting_name(origin),
                    });
                }
                _ => return Err(EncoderError::NoMask { path }),
            },
            None => (Setting::default(String::new(), "transformers"), 0),
        };
        let id_of = |role| config.role(role).and_then(|token| inner.token_to_id(token));
        let padding_token = match settings.convention {
            Convention::ColBert => id_of("pad_token"),
            _ => None,
        };
        let unknown = id_of("unk_token");
        let role = |role: &RoleSettings, marker| Role {
            marker,
            skip: (role.skiplist.value.iter())
                .filter_map(|word| {
                    skiplist_token(&inner, settings.convention, word, unknown, config)
                })
                .chain(padding_token)
                .collect(),
            keep_only: role.keep_only.value.iter().copied().collect(),
        };
        let mut query = role(&settings.query, query_marker);
        let document = role(&settings.document, document_marker);
        if settings.convention == Convention::ColBert {
            // A padding token in the text of a query becomes a mask token.
            query.skip.clear();
        }
        let processor = inner.get_post_processor().cloned();
        inner.with_post_processor(None::<PostProcessorWrapper>);
        let specials = processor
            .as_ref()
            .map_or(0, |processor| processor.added_tokens(false));

        for (length, marker) in [
            (&settings.query.length, query_marker),
            (&settings.document.length, document_marker),
        ] {
            let least = specials + usize::from(marker.is_some());
            if length.value <= least {
                let problem = format!(
                    "{} is {}, and special tokens and marker alone take {least}",
                    setting_name(&length.origin),
                    length.value
                );
                return Err(match length.origin {
                    Origin::Options => EncoderError::Length { problem },
                    _ => EncoderError::Config { path, problem },
                });
            }
        }
        report.push(SettingInfo::new(
            "long texts are cut",
            &truncation,
            match truncation.value {
                Side::Left => "at their beginning",
                Side::Right => "at their end",
            },
        ));
        if settings.expansion.on.value {
            report.push(SettingInfo::new(
                "expansion token",
                &mask_token,
                mask_token.value.clone(),
            ));
        }
        Ok(TextTokenizer {
            lookahead: Lookahead::of(&inner),
            path,
            inner,
            processor,
            settings,
            query,
            document,
            padding: padding_token,
            mask,
            mask_token,
            truncation,
            specials,
            report,
        })
    }

    pub(crate) fn settings(&self) -> &TextSettings {
        &self.settings
    }

    /// The settings applied to the tokenizer itself.
    pub(crate) fn report(&self) -> &[SettingInfo] {
        &self.report
    }

    /// The token that queries are padded with.
    pub(crate) fn mask_token(&self) -> &str {
        &self.mask_token.value
    }

    /// The token with this id as written in the vocabulary; empty if there is none.
    pub(crate) fn token(&self, id: u32) -> String {
        self.inner.id_to_token(id).unwrap_or_default()
    }

    /// Tokens of a document, truncated to its length, with the marker after the first token.
    pub(crate) fn document(&self, text: &str) -> Result<Tokens, EncoderError> {
        self.tokens(text, &self.settings.document, &self.document, false)
    }

    /// As [`document`](Self::document), with byte ranges; slower.
    pub(crate) fn document_with_spans(&self, text: &str) -> Result<Tokens, EncoderError> {
        self.tokens(text, &self.settings.document, &self.document, true)
    }

    /// Tokens of a query, truncated to its length, with the marker after the first token, and
    /// padded with the mask token if the checkpoint expands queries. Includes byte ranges.
    pub(crate) fn query(&self, text: &str) -> Result<Tokens, EncoderError> {
        let mut tokens = self.tokens(text, &self.settings.query, &self.query, true)?;
        for id in &mut tokens.ids {
            if Some(*id) == self.padding {
                *id = self.mask;
            }
        }
        let expansion = &self.settings.expansion;
        let (real, length) = (tokens.ids.len(), expansion.length.value);
        if expansion.on.value && length > real {
            tokens.ids.resize(length, self.mask);
            tokens.spans.resize(length, (0, 0));
            if self.query.keeps(self.mask) {
                tokens.kept.extend(real as u32..length as u32);
            }
            if expansion.attend.value {
                tokens.attended = length;
            }
        }
        Ok(tokens)
    }

    fn tokens(
        &self,
        text: &str,
        settings: &RoleSettings,
        role: &Role,
        spans: bool,
    ) -> Result<Tokens, EncoderError> {
        let bad = |problem| EncoderError::Tokenizer {
            path: self.path.clone(),
            problem,
        };
        let convention = self.settings.convention;
        let lower_case =
            self.settings.lower_case.value && convention != Convention::SentenceTransformers;
        let detail = if spans { Detail::Offsets } else { Detail::Ids };
        let room = settings.length.value - self.specials - usize::from(role.marker.is_some());
        let side = self.truncation.value;
        let mut given = PromptedText::new(&settings.prompt.value, text);
        if convention == Convention::PyLate {
            given.strip();
        }
        let whole = given.whole(side, self.lookahead.max_bytes(room));
        let part = self
            .lookahead
            .part(&whole, room, side, detail, |part, detail| {
                let source = TokenizerInput::new(part, &given, side, lower_case);
                let encoding = tokenizers_shim::call(|| match detail {
                    Detail::Offsets => self.inner.encode(source.text(), false),
                    Detail::Ids => self.inner.encode_fast(source.text(), false),
                })?;
                Ok((source, encoding))
            });
        let part = part.map_err(bad)?;
        let (source, mut encoding) = (part.source, part.encoding);
        let truncated = part.is_cut || encoding.len() > room;
        if encoding.len() > room {
            let direction = match side {
                Side::Left => TruncationDirection::Left,
                Side::Right => TruncationDirection::Right,
            };
            encoding.truncate(room, 0, direction);
        }
        if let Some(processor) = &self.processor {
            encoding =
                tokenizers_shim::call(|| processor.process(encoding, None, true)).map_err(bad)?;
        }

        let mut tokens = Tokens {
            ids: encoding.get_ids().to_vec(),
            spans: Vec::new(),
            attended: 0,
            kept: Vec::new(),
            truncated,
        };
        if spans {
            let positions = encoding.get_offsets().iter();
            tokens.spans = positions
                .map(|&(start, end)| source.original(start, end))
                .collect();
        }
        if let Some(marker) = role.marker {
            let position = tokens.ids.len().min(1);
            tokens.ids.insert(position, marker);
            if spans {
                tokens.spans.insert(position, (0, 0));
            }
        }
        tokens.attended = tokens.ids.len();
        let first = u32::from(convention == Convention::FlagEmbedding);
        tokens.kept = (0..)
            .zip(&tokens.ids)
            .filter(|&(position, &id)| position >= first && role.keeps(id))
            .map(|(position, _)| position)
            .collect();
        Ok(tokens)
    }
}

/// The key of a setting for messages, or the origin if it has no key.
fn setting_name(origin: &Origin) -> String {
    match origin {
        Origin::File { key, .. } => key.clone(),
        Origin::Options => "the length".to_owned(),
        Origin::Default(_) => format!("the {origin}"),
    }
}

/// The token that queries are padded with, and its id.
fn expansion_token(
    inner: &Tokenizer,
    config: &TokenizerConfig,
    settings: &TextSettings,
) -> Option<(Setting<String>, u32)> {
    if let Some(token) = &settings.expansion.token.value {
        let id = inner.token_to_id(token)?;
        return Some((settings.expansion.token.clone().map(|_| token.clone()), id));
    }
    let roles: &[&str] = match settings.convention {
        Convention::SentenceTransformers => &["mask_token", "eos_token"],
        _ => &["mask_token", "eos_token", "pad_token"],
    };
    roles.iter().find_map(|role| {
        let setting = config.role_setting(role)?;
        let token = setting.value.clone()?;
        let id = inner.token_to_id(&token)?;
        Some((setting.clone().map(|_| token), id))
    })
}

/// The token of a word in a skiplist.
fn skiplist_token(
    inner: &Tokenizer,
    convention: Convention,
    word: &str,
    unknown: Option<u32>,
    config: &TokenizerConfig,
) -> Option<u32> {
    match convention {
        Convention::PyLate | Convention::FlagEmbedding => inner.token_to_id(word).or(unknown),
        Convention::SentenceTransformers => {
            let id = inner.token_to_id(word)?;
            (Some(id) != unknown || config.role("unk_token") == Some(word)).then_some(id)
        }
        Convention::ColBert => {
            let encoding = tokenizers_shim::call(|| inner.encode_fast(word, false));
            encoding.ok()?.get_ids().first().copied()
        }
    }
}
