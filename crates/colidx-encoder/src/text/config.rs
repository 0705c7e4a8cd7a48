//! `tokenizer_config.json` and the older files beside it.
//!
//! transformers builds a tokenizer from these settings and from tokenizer.json. The class decides
//! which of them wins: BERT-like classes make their own normalizer and RoBERTa-like ones their own
//! pre-tokenizer, whatever tokenizer.json holds. Every other class uses tokenizer.json unchanged.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::EncoderError;
use crate::files;
use crate::layout::{ADDED_TOKENS, SPECIAL_TOKENS, TOKENIZER_CONFIG};
use crate::settings::{Origin, Setting, SettingsFile, UnknownKeys};

/// The owner of defaults that depend on the class.
const CLASS: &str = "the tokenizer class";

/// The roles that a special token may have.
const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// Keys that change no token, or only those of slow tokenizers without a tokenizer.json.
const IGNORED: [&str; 33] = [
    "add_bos_token",
    "add_eos_token",
    "auto_map",
    "backend",
    "chat_template",
    "clean_up_tokenization_spaces",
    "do_basic_tokenize",
    "errors",
    "from_slow",
    "full_tokenizer_file",
    "is_local",
    "legacy",
    "local_files_only",
    "max_len",
    "max_length",
    "model_input_names",
    "name_or_path",
    "never_split",
    "pad_to_multiple_of",
    "pad_token_id",
    "pad_token_type_id",
    "processor_class",
    "sp_model_kwargs",
    "special_tokens_map_file",
    "split_special_tokens",
    "stride",
    "tokenizer_file",
    "trim_offsets",
    "truncation_strategy",
    "use_fast",
    "vocab_size",
    "wordpieces_prefix",
    "clean_text",
];

/// Classes that split text in Python and never read tokenizer.json.
const PYTHON_ONLY: [&str; 2] = ["BertweetTokenizer", "PhobertTokenizer"];

/// The class that splits text into words with MeCab.
const MECAB: &str = "BertJapaneseTokenizer";

/// How a class builds its tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// WordPiece after a normalizer that the settings describe.
    Bert,
    /// Byte-level BPE, with or without a space before a text.
    Roberta,
    /// A SentencePiece vocabulary with RoBERTa's special tokens.
    Unigram,
    /// From tokenizer.json alone.
    Generic,
}

/// An end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A token to add, with its id if the file gives one.
pub(crate) struct Added {
    pub(crate) token: AddedToken,
    pub(crate) id: Option<u32>,
    /// The setting that names it.
    pub(crate) origin: String,
}

/// The settings of a tokenizer.
pub(crate) struct TokenizerConfig {
    pub(crate) class: Class,
    pub(crate) class_name: Setting<String>,
    pub(crate) lower_case: Setting<bool>,
    pub(crate) strip_accents: Setting<Option<bool>>,
    pub(crate) split_chinese: Setting<bool>,
    /// Whether to put a space before a text, if a file says so.
    pub(crate) prefix_space: Option<Setting<bool>>,
    /// The end at which long texts are truncated, if a file says so.
    pub(crate) truncation: Option<Setting<Side>>,
    /// The end at which short texts are padded, if a file says so.
    pub(crate) padding: Option<Setting<Side>>,
    /// Maximum tokens of a text.
    pub(crate) max_length: Option<Setting<usize>>,
    pub(crate) added: Vec<Added>,
    roles: BTreeMap<&'static str, Setting<Option<String>>>,
}

impl Class {
    fn of(name: &str) -> Class {
        match name {
            "BertTokenizer"
            | "DistilBertTokenizer"
            | "ConvBertTokenizer"
            | "ElectraTokenizer"
            | "LayoutLMTokenizer"
            | "MobileBertTokenizer"
            | "RetriBertTokenizer"
            | "SqueezeBertTokenizer" => Class::Bert,
            "RobertaTokenizer" | "BartTokenizer" | "LongformerTokenizer" => Class::Roberta,
            "XLMRobertaTokenizer" | "CamembertTokenizer" => Class::Unigram,
            _ => Class::Generic,
        }
    }

    /// The token with this role if no file names one.
    fn default_role(self, role: &str) -> Option<&'static str> {
        match (self, role) {
            (Class::Bert, "unk_token") => Some("[UNK]"),
            (Class::Bert, "sep_token") => Some("[SEP]"),
            (Class::Bert, "pad_token") => Some("[PAD]"),
            (Class::Bert, "cls_token") => Some("[CLS]"),
            (Class::Bert, "mask_token") => Some("[MASK]"),
            (Class::Bert | Class::Generic, _) => None,
            (_, "bos_token" | "cls_token") => Some("<s>"),
            (_, "eos_token" | "sep_token") => Some("</s>"),
            (_, "unk_token") => Some("<unk>"),
            (_, "pad_token") => Some("<pad>"),
            (_, "mask_token") => Some("<mask>"),
            _ => None,
        }
    }
}

/// The class that transformers uses. A class named by the files counts only if transformers
/// registers one for this model type; the registered class is the default.
fn class(named: Option<Setting<String>>, model_type: &str) -> Setting<String> {
    let registered = match model_type {
        "bert" | "distilbert" | "nomic_bert" => "BertTokenizer",
        "roberta" => "RobertaTokenizer",
        "gte" | "jina_embeddings_v3" | "xlm-roberta" => "XLMRobertaTokenizer",
        "camembert" => "CamembertTokenizer",
        _ => "TokenizersBackend",
    };
    match named {
        None => Setting::default(registered.to_owned(), "the model type"),
        Some(_) if registered == "TokenizersBackend" => {
            Setting::default(registered.to_owned(), "the model type")
        }
        Some(named) => named.map(|name| name.trim_end_matches("Fast").to_owned()),
    }
}

impl TokenizerConfig {
    /// Reads the files in the folder `transformer` of `root`. `model_type` and `class_of_model` are
    /// those of config.json.
    pub(crate) fn read(
        root: &Path,
        transformer: &str,
        model_type: &str,
        class_of_model: Option<Setting<String>>,
        notes: &mut Vec<String>,
    ) -> Result<TokenizerConfig, EncoderError> {
        let open = |name| SettingsFile::open(root, &files::inside(transformer, name));
        let mut config = open(TOKENIZER_CONFIG)?;
        let mut special = open(SPECIAL_TOKENS)?;
        let named: Option<Setting<String>> = config.take("tokenizer_class")?.or(class_of_model);
        if let Some(named) = &named
            && named.value.starts_with(MECAB)
        {
            let path = match &named.origin {
                Origin::File { file, .. } => root.join(file),
                _ => config.path().to_owned(),
            };
            let class = named.value.clone();
            return Err(EncoderError::NeedsMecab { path, class });
        }
        if let Some(named) = &named
            && PYTHON_ONLY.contains(&named.value.as_str())
        {
            return Err(EncoderError::Unsupported {
                path: config.path().to_owned(),
                feature: format!("tokenizer_class `{}`", named.value),
                known: "tokenizers that tokenizer.json describes whole",
            });
        }
        let class_name = class(named, model_type);
        let class = Class::of(&class_name.value);

        let with_decoder = config.has("added_tokens_decoder");
        let mut added = added_tokens(&mut config)?;
        let mut roles = BTreeMap::new();
        for role in ROLES {
            let mut setting = named_token(&mut config, role)?;
            // The older file counts unless the newer one lists its tokens.
            if !with_decoder && let Some(older) = named_token(&mut special, role)? {
                setting = Some(older);
            }
            let setting = setting.unwrap_or_else(|| {
                Setting::default(class.default_role(role).map(str::to_owned), CLASS)
            });
            roles.insert(role, setting);
        }
        for file in [&mut config, &mut special] {
            for key in ["additional_special_tokens", "extra_special_tokens"] {
                added.extend(listed_tokens(file, key)?);
            }
        }
        let older = open(ADDED_TOKENS)?;
        if !with_decoder && !older.is_empty() {
            added.extend(older_added_tokens(older, &roles)?);
        }
        if let Some(name) = roles.get("mask_token").and_then(|role| role.value.clone())
            && let Some(token) = added.iter_mut().find(|added| added.token.content == name)
        {
            token.token.special = true;
        }

        let read = TokenizerConfig {
            class,
            class_name,
            lower_case: config.take_or("do_lower_case", true, CLASS)?,
            strip_accents: match config.take("strip_accents")? {
                Some(strip) => strip.map(Some),
                None => Setting::default(None, CLASS),
            },
            split_chinese: config.take_or("tokenize_chinese_chars", true, CLASS)?,
            prefix_space: match config.take("add_prefix_space")? {
                None if class == Class::Roberta => Some(Setting::default(false, CLASS)),
                prefix_space => prefix_space,
            },
            truncation: side(&mut config, "truncation_side")?,
            padding: side(&mut config, "padding_side")?,
            max_length: max_length(&mut config)?,
            added,
            roles,
        };
        config.refuse_unless("split_special_tokens", |_| false, "false")?;
        config.ignore(&IGNORED);
        let extra: Vec<String> = config
            .keys()
            .filter(|key| key.ends_with("_token"))
            .collect();
        for key in extra {
            config.ignore(&[&key]);
        }
        config.finish(UnknownKeys::Note, notes)?;
        Ok(read)
    }

    /// The special token with this role, such as `mask_token`.
    pub(crate) fn role(&self, role: &str) -> Option<&str> {
        self.roles.get(role)?.value.as_deref()
    }

    /// As [`role`](Self::role), with its origin.
    pub(crate) fn role_setting(&self, role: &str) -> Option<&Setting<Option<String>>> {
        self.roles.get(role)
    }

    /// All special tokens with a role.
    pub(crate) fn all_roles(&self) -> impl Iterator<Item = &str> {
        self.roles.values().filter_map(|role| role.value.as_deref())
    }
}

/// A token named for a role: a string or an object with its `content`. Null means no token.
fn named_token(
    file: &mut SettingsFile,
    role: &str,
) -> Result<Option<Setting<Option<String>>>, EncoderError> {
    if file.is_null(role) {
        let origin = file.origin(role);
        file.ignore(&[role]);
        return Ok(Some(Setting {
            value: None,
            origin,
        }));
    }
    let Some(token) = file.take::<Value>(role)? else {
        return Ok(None);
    };
    let content = match &token.value {
        Value::Object(token) => token.get("content").and_then(Value::as_str),
        token => token.as_str(),
    };
    match content {
        Some(content) => {
            let content = content.to_owned();
            Ok(Some(token.map(|_| Some(content))))
        }
        None => Err(file.problem(format!("{role} names no token"))),
    }
}

/// `added_tokens_decoder`: tokens by id.
fn added_tokens(file: &mut SettingsFile) -> Result<Vec<Added>, EncoderError> {
    const KEY: &str = "added_tokens_decoder";
    let origin = file.origin(KEY).to_string();
    let Some(tokens) = file.take::<Map<String, Value>>(KEY)? else {
        return Ok(Vec::new());
    };
    let mut added = Vec::with_capacity(tokens.value.len());
    for (id, token) in &tokens.value {
        let bad = || file.problem(format!("{KEY} holds no token under {id:?}"));
        added.push(Added {
            id: Some(id.parse().map_err(|_| bad())?),
            token: added_token(token, false).ok_or_else(bad)?,
            origin: origin.clone(),
        });
    }
    added.sort_by_key(|added| added.id);
    Ok(added)
}

/// A list of tokens as strings or objects, or a map from role to token. These roles are not used
/// here.
fn listed_tokens(file: &mut SettingsFile, key: &str) -> Result<Vec<Added>, EncoderError> {
    let origin = file.origin(key).to_string();
    let Some(tokens) = file.take::<Value>(key)? else {
        return Ok(Vec::new());
    };
    let tokens: Vec<&Value> = match &tokens.value {
        Value::Array(tokens) => tokens.iter().collect(),
        Value::Object(tokens) => tokens.values().collect(),
        _ => return Err(file.problem(format!("{key} is no list of tokens"))),
    };
    let added = tokens.into_iter().map(|token| {
        let token = added_token(token, true);
        Ok(Added {
            id: None,
            token: token.ok_or_else(|| file.problem(format!("{key} holds something else")))?,
            origin: origin.clone(),
        })
    });
    added.collect()
}

/// `added_tokens.json`: ids by token.
fn older_added_tokens(
    mut file: SettingsFile,
    roles: &BTreeMap<&'static str, Setting<Option<String>>>,
) -> Result<Vec<Added>, EncoderError> {
    let mut added = Vec::new();
    for content in file.keys().collect::<Vec<_>>() {
        let Some(id) = file.take::<u32>(&content)? else {
            continue;
        };
        let special = roles
            .values()
            .any(|role| role.value.as_ref() == Some(&content));
        added.push(Added {
            origin: id.origin.to_string(),
            token: AddedToken::from(content, special).normalized(!special),
            id: Some(id.value),
        });
    }
    added.sort_by_key(|added| added.id);
    Ok(added)
}

/// A token as a string or an object.
fn added_token(token: &Value, special: bool) -> Option<AddedToken> {
    let Value::Object(token) = token else {
        return Some(AddedToken::from(token.as_str()?, special));
    };
    let flag = |key: &str| token.get(key).and_then(Value::as_bool);
    let special = special || flag("special").unwrap_or(false);
    let content = token.get("content")?.as_str()?;
    Some(
        AddedToken::from(content, special)
            .single_word(flag("single_word").unwrap_or(false))
            .lstrip(flag("lstrip").unwrap_or(false))
            .rstrip(flag("rstrip").unwrap_or(false))
            .normalized(flag("normalized").unwrap_or(!special)),
    )
}

fn side(file: &mut SettingsFile, key: &str) -> Result<Option<Setting<Side>>, EncoderError> {
    let Some(side) = file.take::<String>(key)? else {
        return Ok(None);
    };
    let parsed = match side.value.as_str() {
        "left" => Side::Left,
        "right" => Side::Right,
        other => {
            return Err(file.problem(format!("{key} is {other:?} and should be left or right")));
        }
    };
    Ok(Some(side.map(|_| parsed)))
}

/// `model_max_length`. transformers writes a number of thirty digits if it is unset.
fn max_length(file: &mut SettingsFile) -> Result<Option<Setting<usize>>, EncoderError> {
    const SET_BY_NOBODY: f64 = 1e18;
    let length = file.take::<f64>("model_max_length")?;
    let length = length.filter(|length| length.value >= 1.0 && length.value < SET_BY_NOBODY);
    Ok(length.map(|length| length.map(|length| length as usize)))
}
