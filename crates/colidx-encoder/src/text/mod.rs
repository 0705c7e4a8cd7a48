//! Text to token ids, as PyLate or ColBERT does it.

mod library;
mod offsets;
mod tokens;
mod vocabulary;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tokenizers::{AddedToken, PostProcessor, PostProcessorWrapper, Tokenizer};

use crate::EncoderError;
use crate::checkpoint::read_json;
use offsets::Source;
pub use tokens::TokenSpan;
pub(crate) use tokens::Tokens;

/// How texts become tokens: the part of a checkpoint's settings that this module needs.
#[derive(Clone, Debug)]
pub(crate) struct TextSettings {
    pub(crate) query_marker: String,
    pub(crate) document_marker: String,
    pub(crate) query_length: usize,
    pub(crate) document_length: usize,
    pub(crate) query_expansion: bool,
    pub(crate) attend_to_expansion_tokens: bool,
    pub(crate) skiplist: Vec<String>,
    pub(crate) lower_case: bool,
    pub(crate) manner: Manner,
}

/// Whose way to tokenise, where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// White space around a text is taken off; a marker written in a text is the marker; a word of the skiplist stands for
    /// the token that the vocabulary has for it, or else the unknown token.
    PyLate,
    /// A text is taken as it is; a word of the skiplist stands for the first token that it is tokenised to; a padding token
    /// written in a text has no vector in a document and is a mask token in a query.
    ColBert,
}

impl Manner {
    /// What the settings call the markers and the lengths of queries and documents.
    pub(crate) fn names(self) -> [&'static str; 4] {
        match self {
            Manner::PyLate => [
                "query_prefix",
                "document_prefix",
                "query_length",
                "document_length",
            ],
            Manner::ColBert => [
                "query_token_id",
                "doc_token_id",
                "query_maxlen",
                "doc_maxlen",
            ],
        }
    }
}

/// A tokenizer with the settings of a ColBERT checkpoint.
pub(crate) struct TextTokenizer {
    path: PathBuf,
    inner: Tokenizer,
    /// What puts special tokens around a text: taken out of `inner`, as a text is cut before.
    processor: Option<PostProcessorWrapper>,
    settings: TextSettings,
    query_marker: Option<u32>,
    document_marker: Option<u32>,
    /// The padding token, where one that is written in a text counts as padding.
    padding: Option<u32>,
    mask: u32,
    mask_token: String,
    skip: HashSet<u32>,
    /// Special tokens that the tokenizer puts around a text.
    specials: usize,
}

impl TextTokenizer {
    /// Reads the tokenizer of `folder`, and the names of its special tokens.
    pub(crate) fn open(folder: &Path, settings: TextSettings) -> Result<Self, EncoderError> {
        let mut path = folder.join("tokenizer.json");
        if !path.is_file() && folder.join(vocabulary::VOCABULARY).is_file() {
            path = folder.join(vocabulary::VOCABULARY);
        }
        vocabulary::refuse_mecab(folder)?;
        let named = SpecialTokens::read(folder)?;
        let bad = |problem| EncoderError::Tokenizer {
            path: path.clone(),
            problem,
        };
        let mut inner = if path.ends_with("tokenizer.json") && path.is_file() {
            let bytes = crate::checkpoint::read(&path, crate::checkpoint::MAX_TOKENIZER)?;
            library::from_json(&bytes).map_err(bad)?
        } else {
            vocabulary::wordpiece(folder, &named)?
        };
        // The file may hold the truncation and padding of the run that saved it; lengths are decided here.
        library::call(|| inner.with_truncation(None).map(drop)).map_err(bad)?;
        inner.with_padding(None);

        let marker = |token: &str, setting| match (token, inner.token_to_id(token)) {
            ("", _) => Ok(None),
            (_, Some(id)) => Ok(Some(id)),
            (_, None) => Err(EncoderError::NoMarker {
                path: path.clone(),
                token: token.to_owned(),
                setting,
            }),
        };
        let query_marker = marker(&settings.query_marker, settings.manner.names()[0])?;
        let document_marker = marker(&settings.document_marker, settings.manner.names()[1])?;
        if settings.manner == Manner::PyLate {
            let markers = [&settings.query_marker, &settings.document_marker];
            let markers = markers.into_iter().filter(|marker| !marker.is_empty());
            let markers = markers.map(|marker| AddedToken::from(marker.as_str(), false));
            library::call(|| inner.add_tokens(markers)).map_err(bad)?;
        }

        let mask = ["mask_token", "eos_token", "pad_token"]
            .iter()
            .filter_map(|role| named.get(role))
            .find_map(|token| Some((token.to_owned(), inner.token_to_id(token)?)));
        let (mask_token, mask) = match mask {
            Some(mask) => mask,
            None if settings.query_expansion => return Err(EncoderError::NoMask { path }),
            None => (String::new(), 0),
        };
        let unknown = named
            .get("unk_token")
            .and_then(|token| inner.token_to_id(token));
        let padding = match settings.manner {
            Manner::PyLate => None,
            Manner::ColBert => (named.get("pad_token")).and_then(|token| inner.token_to_id(token)),
        };
        let skip = settings
            .skiplist
            .iter()
            .filter_map(|word| match settings.manner {
                Manner::PyLate => inner.token_to_id(word).or(unknown),
                Manner::ColBert => {
                    let encoding = library::call(|| inner.encode_fast(word.as_str(), false));
                    let encoding = encoding.ok()?;
                    encoding.get_ids().first().copied()
                }
            })
            .chain(padding)
            .collect();
        let processor = inner.get_post_processor().cloned();
        inner.with_post_processor(None::<PostProcessorWrapper>);
        let specials = processor
            .as_ref()
            .map_or(0, |processor| processor.added_tokens(false));

        for (name, length, marker) in [
            (
                settings.manner.names()[2],
                settings.query_length,
                query_marker,
            ),
            (
                settings.manner.names()[3],
                settings.document_length,
                document_marker,
            ),
        ] {
            let least = specials + usize::from(marker.is_some());
            if length <= least {
                return Err(EncoderError::Config {
                    path: path.clone(),
                    problem: format!(
                        "{name} is {length}, and special tokens and marker alone take {least}"
                    ),
                });
            }
        }
        Ok(TextTokenizer {
            path,
            inner,
            processor,
            settings,
            query_marker,
            document_marker,
            padding,
            mask,
            mask_token,
            skip,
            specials,
        })
    }

    pub(crate) fn settings(&self) -> &TextSettings {
        &self.settings
    }

    /// The token that queries are padded with.
    pub(crate) fn mask_token(&self) -> &str {
        &self.mask_token
    }

    /// The token written as the tokenizer's vocabulary has it.
    pub(crate) fn token(&self, id: u32) -> String {
        self.inner.id_to_token(id).unwrap_or_default()
    }

    /// Whether a document's token gets a vector.
    pub(crate) fn is_kept(&self, id: u32) -> bool {
        !self.skip.contains(&id)
    }

    /// Tokens of a document: cut to `document_length`, with the marker after the first token.
    pub(crate) fn document(&self, text: &str) -> Result<Tokens, EncoderError> {
        let length = self.settings.document_length;
        self.tokens(text, self.document_marker, length, false)
    }

    /// As [`document`](Self::document), with the place of each token in the text; slower.
    pub(crate) fn document_with_spans(&self, text: &str) -> Result<Tokens, EncoderError> {
        let length = self.settings.document_length;
        self.tokens(text, self.document_marker, length, true)
    }

    /// Tokens of a query: cut to `query_length`, with the marker after the first token, and padded with the mask token
    /// when the checkpoint expands queries. Each token has its place in the text.
    pub(crate) fn query(&self, text: &str) -> Result<Tokens, EncoderError> {
        let settings = &self.settings;
        let mut tokens = self.tokens(text, self.query_marker, settings.query_length, true)?;
        for id in &mut tokens.ids {
            if Some(*id) == self.padding {
                *id = self.mask;
            }
        }
        if settings.query_expansion {
            tokens.ids.resize(settings.query_length, self.mask);
            tokens.spans.resize(settings.query_length, (0, 0));
            if settings.attend_to_expansion_tokens {
                tokens.attended = settings.query_length;
            }
        }
        Ok(tokens)
    }

    fn tokens(
        &self,
        text: &str,
        marker: Option<u32>,
        length: usize,
        spans: bool,
    ) -> Result<Tokens, EncoderError> {
        let bad = |problem| EncoderError::Tokenizer {
            path: self.path.clone(),
            problem,
        };
        let source = Source::new(
            text,
            self.settings.manner == Manner::PyLate,
            self.settings.lower_case,
        );
        let mut encoding = library::call(|| {
            if spans {
                self.inner.encode(source.text(), false)
            } else {
                self.inner.encode_fast(source.text(), false)
            }
        })
        .map_err(bad)?;
        let room = length - self.specials - usize::from(marker.is_some());
        let truncated = encoding.len() > room;
        if truncated {
            encoding.truncate(room, 0, tokenizers::TruncationDirection::Right);
        }
        if let Some(processor) = &self.processor {
            encoding = library::call(|| processor.process(encoding, None, true)).map_err(bad)?;
        }

        let mut tokens = Tokens {
            ids: encoding.get_ids().to_vec(),
            spans: Vec::new(),
            attended: 0,
            truncated,
        };
        if spans {
            let places = encoding.get_offsets().iter();
            tokens.spans = places
                .map(|&(start, end)| source.original(start, end))
                .collect();
        }
        if let Some(marker) = marker {
            let place = tokens.ids.len().min(1);
            tokens.ids.insert(place, marker);
            if spans {
                tokens.spans.insert(place, (0, 0));
            }
        }
        tokens.attended = tokens.ids.len();
        Ok(tokens)
    }
}

/// The names of special tokens, from `tokenizer_config.json` and the older `special_tokens_map.json`.
struct SpecialTokens(Vec<Map<String, Value>>);

impl SpecialTokens {
    fn read(folder: &Path) -> Result<SpecialTokens, EncoderError> {
        let mut maps = Vec::new();
        for name in ["tokenizer_config.json", "special_tokens_map.json"] {
            let path = folder.join(name);
            if path.is_file() {
                maps.push(read_json(&path)?);
            }
        }
        Ok(SpecialTokens(maps))
    }

    /// A token is written as a string or as an object with its `content`.
    fn get(&self, role: &str) -> Option<&str> {
        self.0.iter().find_map(|map| match map.get(role)? {
            Value::Object(token) => token.get("content")?.as_str(),
            token => token.as_str(),
        })
    }
}
