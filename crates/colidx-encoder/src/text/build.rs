//! Builds a tokenizer from tokenizer.json and the settings beside it.

use std::path::{Path, PathBuf};

use tokenizers::normalizers::{BertNormalizer, Lowercase, Sequence};
use tokenizers::{
    AddedToken, NormalizerWrapper, PaddingDirection, PreTokenizerWrapper, Tokenizer,
    TruncationDirection,
};

use super::config::{Class, Side, TokenizerConfig};
use super::{Convention, TextSettings, tokenizers_shim, vocabulary};
use crate::EncoderError;
use crate::files::{self, MAX_TOKENIZER};
use crate::layout::{TOKENIZER, VOCABULARY};
use crate::settings::{Origin, Setting, SettingInfo};

/// A tokenizer that neither truncates nor pads, and the sides on which the reference does.
pub(super) struct Built {
    /// The file it was read from.
    pub(super) path: PathBuf,
    pub(super) inner: Tokenizer,
    pub(super) truncation: Setting<Side>,
    pub(super) padding: Setting<Side>,
    /// The settings that were applied.
    pub(super) report: Vec<SettingInfo>,
}

/// Builds the tokenizer of `folder`. Deviations are added to `notes`.
pub(super) fn build(
    folder: &Path,
    config: &TokenizerConfig,
    settings: &TextSettings,
    notes: &mut Vec<String>,
) -> Result<Built, EncoderError> {
    let mut path = folder.join(TOKENIZER);
    let whole = files::exists(&path);
    if !whole && files::exists(&folder.join(VOCABULARY)) {
        path = folder.join(VOCABULARY);
    }
    let bad = |problem| EncoderError::Tokenizer {
        path: path.clone(),
        problem,
    };
    let mut inner = if whole {
        let bytes = files::read(&path, MAX_TOKENIZER)?;
        tokenizers_shim::from_json(&bytes).map_err(bad)?
    } else {
        vocabulary::wordpiece(folder, config)?
    };
    let mut report = Vec::new();
    if whole {
        report = apply_class(&mut inner, config, notes).map_err(bad)?;
    }
    add_tokens(&mut inner, config).map_err(bad)?;
    if settings.convention == Convention::SentenceTransformers && settings.lower_case.value {
        lower_case(&mut inner).map_err(bad)?;
    }

    // The file may hold the truncation and padding of the run that saved it. Only their sides
    // count; lengths come from the settings.
    let saved = |key: &str, is_left| Setting {
        value: if is_left { Side::Left } else { Side::Right },
        origin: Origin::File {
            file: TOKENIZER.to_owned(),
            key: format!("{key}.direction"),
        },
    };
    let side = |told: &Option<Setting<Side>>, saved: Option<Setting<Side>>| {
        let told = told.clone().or(saved);
        told.unwrap_or_else(|| Setting::default(Side::Right, "transformers"))
    };
    let truncation = inner.get_truncation().map(|truncation| {
        saved(
            "truncation",
            truncation.direction == TruncationDirection::Left,
        )
    });
    let truncation = side(&config.truncation, truncation);
    let padding = inner.get_padding().map(|padding| {
        saved(
            "padding",
            matches!(padding.direction, PaddingDirection::Left),
        )
    });
    let padding = side(&config.padding, padding);
    tokenizers_shim::call(|| inner.with_truncation(None).map(drop)).map_err(bad)?;
    inner.with_padding(None);
    Ok(Built {
        path,
        inner,
        truncation,
        padding,
        report,
    })
}

/// Applies what the tokenizer's class overrides in tokenizer.json.
fn apply_class(
    inner: &mut Tokenizer,
    config: &TokenizerConfig,
    notes: &mut Vec<String>,
) -> Result<Vec<SettingInfo>, String> {
    let yes = |value: bool| if value { "yes" } else { "no" };
    let mut report = vec![SettingInfo::new(
        "tokenizer",
        &config.class_name,
        config.class_name.value.clone(),
    )];
    if config.class == Class::Bert {
        let mut normalizer = match inner.get_normalizer() {
            None => BertNormalizer::default(),
            Some(NormalizerWrapper::BertNormalizer(normalizer)) => *normalizer,
            Some(_) => {
                notes.push(format!(
                    "tokenizer.json has another normalizer than {} makes: colidx uses it \
                     unchanged, as transformers 4 does",
                    config.class_name.value
                ));
                return Ok(report);
            }
        };
        normalizer.lowercase = config.lower_case.value;
        normalizer.strip_accents = config.strip_accents.value;
        normalizer.handle_chinese_chars = config.split_chinese.value;
        let accents = config.strip_accents.value.unwrap_or(normalizer.lowercase);
        report.extend([
            SettingInfo::new(
                "tokenizer lower-cases",
                &config.lower_case,
                yes(normalizer.lowercase),
            ),
            SettingInfo::new(
                "tokenizer strips accents",
                &config.strip_accents,
                yes(accents),
            ),
            SettingInfo::new(
                "tokenizer splits Chinese",
                &config.split_chinese,
                yes(normalizer.handle_chinese_chars),
            ),
        ]);
        tokenizers_shim::call(|| inner.with_normalizer(Some(normalizer)).map(drop))?;
    }
    if let Some(space) = &config.prefix_space {
        match inner.get_pre_tokenizer() {
            Some(PreTokenizerWrapper::ByteLevel(found)) => {
                if config.class == Class::Roberta {
                    let mut splitter = *found;
                    splitter.add_prefix_space = space.value;
                    inner.with_pre_tokenizer(Some(splitter));
                    report.push(SettingInfo::new(
                        "space before a text",
                        space,
                        yes(space.value),
                    ));
                } else if found.add_prefix_space != space.value {
                    notes.push(format!(
                        "{} is {} and tokenizer.json says otherwise: colidx uses \
                         tokenizer.json, as transformers 5 does for this tokenizer",
                        space.origin, space.value
                    ));
                }
            }
            _ if config.class == Class::Roberta && space.value => {
                return Err(format!(
                    "{} is true, and it splits by no ByteLevel",
                    space.origin
                ));
            }
            _ => {}
        }
    }
    Ok(report)
}

/// Adds the tokens named by files beside tokenizer.json. A token with an id must get exactly that
/// id.
fn add_tokens(inner: &mut Tokenizer, config: &TokenizerConfig) -> Result<(), String> {
    for added in &config.added {
        let content = &added.token.content;
        let known = |inner: &Tokenizer| {
            let tokens = inner.get_added_vocabulary().get_vocab();
            tokens.contains_key(content)
        };
        if added.id.is_none() && known(inner) {
            continue;
        }
        tokenizers_shim::call(|| inner.add_tokens([added.token.clone()]))?;
        let found = inner.token_to_id(content);
        if let Some(id) = added.id
            && found != Some(id)
        {
            return Err(format!(
                "{} gives {content:?} the id {id}, and it would get {}",
                added.origin,
                found.map_or("none".to_owned(), |id| id.to_string())
            ));
        }
    }
    let vocabulary = inner.get_added_vocabulary().get_vocab();
    let special: Vec<AddedToken> = (config.all_roles())
        .filter(|token| !vocabulary.contains_key(*token) && inner.token_to_id(token).is_some())
        .map(|token| AddedToken::from(token, true))
        .collect();
    tokenizers_shim::call(|| inner.add_special_tokens(special)).map(drop)
}

/// Lower-cases before the normalizer's other steps, unless one of them does already.
fn lower_case(inner: &mut Tokenizer) -> Result<(), String> {
    let mut steps = vec![NormalizerWrapper::Lowercase(Lowercase)];
    match inner.get_normalizer() {
        None => {}
        Some(NormalizerWrapper::Lowercase(_)) => return Ok(()),
        Some(NormalizerWrapper::Sequence(sequence)) => {
            let lowers = |step: &NormalizerWrapper| matches!(step, NormalizerWrapper::Lowercase(_));
            if sequence.as_ref().iter().any(lowers) {
                return Ok(());
            }
            steps.extend(sequence.as_ref().iter().cloned());
        }
        Some(other) => steps.push(other.clone()),
    }
    tokenizers_shim::call(|| inner.with_normalizer(Some(Sequence::new(steps))).map(drop))
}
