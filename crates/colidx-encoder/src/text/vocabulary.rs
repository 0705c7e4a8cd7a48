//! A tokenizer from the files that preceded tokenizer.json.

use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::config::{Class, TokenizerConfig};
use crate::EncoderError;
use crate::files::{self, MAX_TOKENIZER};
use crate::layout::{TOKENIZER_CONFIG, VOCABULARY};

/// The WordPiece tokenizer (Wu et al., arXiv 1609.08144) of BERT and DistilBERT, from `vocab.txt`
/// in `folder`.
///
/// # Errors
/// If there is none, or it lacks a special token.
pub(super) fn wordpiece(
    folder: &Path,
    config: &TokenizerConfig,
) -> Result<Tokenizer, EncoderError> {
    let path = folder.join(VOCABULARY);
    if !files::exists(&path) {
        return Err(EncoderError::NoTokenizer {
            path: folder.to_owned(),
        });
    }
    let bad = |error: tokenizers::Error| EncoderError::Tokenizer {
        path: path.clone(),
        problem: error.to_string(),
    };
    if config.class != Class::Bert {
        return Err(EncoderError::Unsupported {
            path,
            feature: format!("{} without tokenizer.json", config.class_name.value),
            known: "BertTokenizer, DistilBertTokenizer",
        });
    }
    // Checks the size: the library reads a file of any length.
    files::read(&path, MAX_TOKENIZER)?;
    let name = |role, default: &str| config.role(role).unwrap_or(default).to_owned();
    let unknown = name("unk_token", "[UNK]");
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token(unknown.clone())
        .build()
        .map_err(bad)?;
    let mut tokenizer = Tokenizer::new(model);
    let normalizer = BertNormalizer::new(
        true,
        config.split_chinese.value,
        config.strip_accents.value,
        config.lower_case.value,
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
                setting: TOKENIZER_CONFIG.to_owned(),
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
