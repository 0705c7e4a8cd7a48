//! A tokenizer from the files that came before tokenizer.json.

use std::path::Path;

use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::SpecialTokens;
use crate::EncoderError;
use crate::checkpoint::{MAX_TOKENIZER, read, read_json};

/// BERT's vocabulary, one token a line.
pub(super) const VOCABULARY: &str = "vocab.txt";
/// The tokenizers that split text as this one does.
const CLASSES: [&str; 2] = ["BertTokenizer", "DistilBertTokenizer"];

/// What `tokenizer_config.json` says about BERT's tokenizer; what is absent has the default of transformers.
#[derive(Deserialize)]
struct Settings {
    #[serde(default = "yes")]
    do_lower_case: bool,
    strip_accents: Option<bool>,
    tokenizer_class: Option<String>,
    #[serde(default = "yes")]
    tokenize_chinese_chars: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            do_lower_case: true,
            strip_accents: None,
            tokenizer_class: None,
            tokenize_chinese_chars: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// Refuses a tokenizer of `folder` that has another program split text into words, whatever other files there are.
pub(super) fn refuse_mecab(folder: &Path) -> Result<(), EncoderError> {
    let path = folder.join("tokenizer_config.json");
    if !path.is_file() {
        return Ok(());
    }
    match read_json::<Settings>(&path)?.tokenizer_class {
        Some(class) if class.starts_with("BertJapaneseTokenizer") => {
            Err(EncoderError::NeedsMecab { path, class })
        }
        _ => Ok(()),
    }
}

/// The WordPiece tokenizer (Wu et al., arXiv 1609.08144) of BERT and DistilBERT from `vocab.txt` of `folder`.
///
/// # Errors
/// If there is none, or it lacks a special token.
pub(super) fn wordpiece(folder: &Path, named: &SpecialTokens) -> Result<Tokenizer, EncoderError> {
    let path = folder.join(VOCABULARY);
    if !path.is_file() {
        return Err(EncoderError::NoTokenizer {
            path: folder.to_owned(),
        });
    }
    let bad = |error: tokenizers::Error| EncoderError::Tokenizer {
        path: path.clone(),
        problem: error.to_string(),
    };
    let config = folder.join("tokenizer_config.json");
    let settings = if config.is_file() {
        read_json(&config)?
    } else {
        Settings::default()
    };
    let class = settings
        .tokenizer_class
        .as_deref()
        .unwrap_or("BertTokenizer");
    if !CLASSES.contains(&class.trim_end_matches("Fast")) {
        return Err(EncoderError::Unsupported {
            path: config,
            feature: format!("tokenizer_class `{class}` without tokenizer.json"),
            known: "BertTokenizer, DistilBertTokenizer",
        });
    }
    // The library reads whatever is there.
    read(&path, MAX_TOKENIZER)?;
    let name = |role, default: &str| named.get(role).unwrap_or(default).to_owned();
    let unknown = name("unk_token", "[UNK]");
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token(unknown.clone())
        .build()
        .map_err(bad)?;
    let mut tokenizer = Tokenizer::new(model);
    let normalizer = BertNormalizer::new(
        true,
        settings.tokenize_chinese_chars,
        settings.strip_accents,
        settings.do_lower_case,
    );
    tokenizer.with_normalizer(Some(normalizer)).map_err(bad)?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let (first, last) = (name("cls_token", "[CLS]"), name("sep_token", "[SEP]"));
    let id = |token: &str| {
        tokenizer
            .token_to_id(token)
            .ok_or_else(|| EncoderError::NoMarker {
                path: path.clone(),
                token: token.to_owned(),
                setting: "tokenizer_config.json",
            })
    };
    let ends = vec![(first.clone(), id(&first)?), (last.clone(), id(&last)?)];
    let processor = TemplateProcessing::builder()
        .try_single(format!("{first} $A {last}"))
        .map_err(|problem| EncoderError::Tokenizer {
            path: path.clone(),
            problem,
        })?
        .special_tokens(ends)
        .build()
        .map_err(|error| bad(error.into()))?;
    tokenizer.with_post_processor(Some(processor));
    let special = [
        name("pad_token", "[PAD]"),
        unknown,
        first,
        last,
        name("mask_token", "[MASK]"),
    ];
    let special = special.map(|token| AddedToken::from(token, true));
    tokenizer.add_special_tokens(special).map_err(bad)?;
    Ok(tokenizer)
}
