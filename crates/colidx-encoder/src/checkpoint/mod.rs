//! Opens a checkpoint directory, in three steps.
//!
//! [`Reader`] reads the files that all layouts share, and [`layout`] detects the layout. The
//! layout's module reads its own files into a [`Description`]: one [`TextSettings`] and one chain
//! of modules. [`build`] makes that into a model, whatever the layout.

mod chain;
mod description;
mod flag_embedding;
mod info;
mod model_config;
mod prompts;
mod pylate;
mod reader;
mod sentence;
mod sentence_transformers;
mod stanford;
mod transformers;

use std::path::Path;

pub use info::CheckpointInfo;

use crate::files;
use crate::layout::{
    ADDED_TOKENS, CONFIG, FILES, Folder, HEAD, Layout, METADATA, SENTENCE, TOKENIZER, VOCABULARY,
};
use crate::model::{Projection, TokenPooling, Transformer};
use crate::ops::Backend;
use crate::settings::{Origin, Setting};
use crate::text::{RoleSettings, TextSettings, TextTokenizer};
use crate::weights::Weights;
use crate::{EncoderError, EncoderOptions};
use chain::Projector;
use description::Description;
use reader::Reader;

/// Longest text in tokens: several times what late-interaction models read. Queries are padded to
/// their length, so this bounds memory.
const MAX_LENGTH: usize = 1 << 16;

/// An open checkpoint: everything needed to encode.
pub(crate) struct Checkpoint {
    pub(crate) info: CheckpointInfo,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) transformer: Transformer,
    pub(crate) projection: Projection,
    pub(crate) pooling: Option<TokenPooling>,
}

impl Checkpoint {
    /// Opens the directory `path`.
    pub(crate) fn open(
        path: &Path,
        options: &EncoderOptions,
        backend: &Backend,
    ) -> Result<Checkpoint, EncoderError> {
        let mut reader = Reader::open(path)?;
        let layout = layout(&reader)?;
        let mut description = match layout {
            Layout::MultiVector => sentence_transformers::describe(&mut reader)?,
            Layout::PyLate => pylate::describe(&mut reader)?,
            Layout::Stanford => stanford::describe(&mut reader)?,
            Layout::FlagEmbedding => flag_embedding::describe(&mut reader)?,
            Layout::Transformers => transformers::describe(&mut reader)?,
        };
        take_options(&mut description.text, options);
        build(layout, description, reader, backend)
    }
}

/// Detects the layout. The weights count for more than the list of modules, which may be older.
fn layout(reader: &Reader<'_>) -> Result<Layout, EncoderError> {
    let listed = |class| reader.lists(class);
    if reader.model_type_of_settings() == Some("MultiVectorEncoder") || listed("MultiVectorMask") {
        return Ok(Layout::MultiVector);
    }
    if listed("Dense") {
        return Ok(Layout::PyLate);
    }
    if reader.model.is_colbert() || reader.has(METADATA) || reader.has_linear()? {
        return Ok(Layout::Stanford);
    }
    if reader.has_beside_weights(HEAD) {
        return Ok(Layout::FlagEmbedding);
    }
    if reader.modules.is_some() && pylate::has_settings(&reader.settings) {
        return Ok(Layout::PyLate);
    }
    Ok(Layout::Transformers)
}

/// The options override the files.
fn take_options(text: &mut TextSettings, options: &EncoderOptions) {
    let of_role = |role: &mut RoleSettings, prompt: &Option<String>, length: Option<usize>| {
        if let Some(prompt) = prompt {
            role.prompt = Setting::from_options(prompt.clone());
        }
        if let Some(length) = length {
            role.length = Setting::from_options(length);
        }
    };
    let (expansion, most) = (&mut text.expansion, text.query.length.value);
    of_role(&mut text.query, &options.query_prompt, options.query_length);
    of_role(
        &mut text.document,
        &options.document_prompt,
        options.document_length,
    );
    // Queries padded to their full length still are; others are padded to at most that length.
    if let Some(length) = options.query_length
        && (expansion.length.value == most || expansion.length.value > length)
    {
        expansion.length = Setting::from_options(length);
    }
}

fn check_lengths(description: &Description, reader: &Reader<'_>) -> Result<(), EncoderError> {
    let text = &description.text;
    let pooled = description.chain.pooling.as_ref();
    for (name, length, pooled) in [
        (
            "the query length",
            &text.query.length,
            pooled.is_some_and(|pooling| pooling.queries),
        ),
        (
            "the document length",
            &text.document.length,
            pooled.is_some_and(|pooling| pooling.documents),
        ),
        (
            "the length of padded queries",
            &text.expansion.length,
            false,
        ),
    ] {
        let most = match reader.info.limit {
            Some(limit) if length.value > limit => {
                format!("the model has {limit} positions")
            }
            _ if length.value > MAX_LENGTH => format!("should be at most {MAX_LENGTH}"),
            _ if pooled && length.value > TokenPooling::MAX_TOKENS => {
                format!(
                    "vectors are pooled, for at most {}",
                    TokenPooling::MAX_TOKENS
                )
            }
            _ => continue,
        };
        let problem = |name: &str| format!("{name} is {} and {most}", length.value);
        return Err(match &length.origin {
            Origin::File { file, key } => EncoderError::Config {
                // `file` may be followed by a nested key.
                path: reader.root.join(file.split(": ").next().unwrap_or(file)),
                problem: problem(key),
            },
            Origin::Default(_) => EncoderError::Config {
                path: reader.folder().join(CONFIG),
                problem: problem(&format!("{name} ({})", length.origin)),
            },
            Origin::Options => EncoderError::Length {
                problem: problem(name),
            },
        });
    }
    Ok(())
}

/// Reads the weights and the tokenizer.
fn build(
    layout: Layout,
    description: Description,
    reader: Reader<'_>,
    backend: &Backend,
) -> Result<Checkpoint, EncoderError> {
    let folder = reader.folder();
    let names = fingerprinted(layout, &description, &reader)?;
    let lengths = check_lengths(&description, &reader);
    let mut notes = reader.notes;
    let ((model, tokenizer), fingerprint) = rayon::join(
        || {
            rayon::join(
                || chain::build(&description.chain, reader.root, &folder, backend),
                || {
                    let text = description.text.clone();
                    TextTokenizer::open(&folder, &reader.tokenizer, text, &mut notes)
                },
            )
        },
        || files::fingerprint(reader.root, &names),
    );
    let (model, tokenizer) = (model?, tokenizer?);
    // Checked last: other errors say more than a default length that does not fit.
    lengths?;
    let text = tokenizer.settings();
    let mut settings = text.report();
    settings.extend_from_slice(tokenizer.report());
    settings.extend(description.chain.report());
    let info = CheckpointInfo {
        name: files::checkpoint_name(reader.root),
        layout: description.layout.to_owned(),
        architecture: model.transformer.architecture().to_owned(),
        dim: model.projection.dim(),
        hidden: model.transformer.hidden(),
        layers: model.transformer.layers(),
        parameters: model.parameters,
        element_type: model.element_type,
        positions: model.transformer.positions(),
        projected: description.chain.is_projection(),
        document_length: text.document.length.value,
        query_length: text.query.length.value,
        document_marker: text.document.marker.value.clone(),
        query_marker: text.query.marker.value.clone(),
        document_prompt: text.document.prompt.value.clone(),
        query_prompt: text.query.prompt.value.clone(),
        mask_token: tokenizer.mask_token().to_owned(),
        skiplist: text.document.skiplist.value.clone(),
        query_skiplist: text.query.skiplist.value.clone(),
        query_expansion: text.expansion.on.value,
        query_expansion_length: match text.expansion.on.value {
            true => text.expansion.length.value,
            false => 0,
        },
        // Without expansion tokens there are none to attend to.
        attend_to_expansion_tokens: text.expansion.attend.value && text.expansion.on.value,
        lower_case: text.lower_case.value,
        settings,
        notes,
        fingerprint: fingerprint?,
    };
    Ok(Checkpoint {
        info,
        tokenizer,
        transformer: model.transformer,
        projection: model.projection,
        pooling: description.chain.pooling,
    })
}

/// The files that decide the vectors of a text, relative to the checkpoint.
fn fingerprinted(
    layout: Layout,
    description: &Description,
    reader: &Reader<'_>,
) -> Result<Vec<String>, EncoderError> {
    let whole = reader.has_beside_weights(TOKENIZER);
    let counts = |name: &str| match name {
        // tokenizer.json supersedes the older files.
        VOCABULARY | ADDED_TOKENS => !whole,
        name if SENTENCE.contains(&name) => name == reader.sentence.name(),
        _ => true,
    };
    let transformer = &reader.transformer;
    let mut names: Vec<String> = FILES
        .iter()
        .filter(|file| file.fingerprint_of.contains(&layout) && counts(file.name))
        .filter_map(|file| match file.folder {
            Folder::Checkpoint => Some(file.name.to_owned()),
            Folder::Transformer => Some(files::inside(transformer, file.name)),
            // Added below, in the order of the chain.
            Folder::Module => None,
        })
        .collect();
    let folders = description.chain.folders();
    names.extend(folders.iter().map(|folder| files::inside(folder, CONFIG)));
    let with_weights =
        description
            .chain
            .projectors
            .iter()
            .filter_map(|projector| match projector {
                Projector::Dense { folder, .. } => Some(folder.as_str()),
                _ => None,
            });
    for folder in std::iter::once(transformer.as_str()).chain(with_weights) {
        let weights = Weights::files(&reader.root.join(folder))?;
        names.extend(weights.iter().map(|name| files::inside(folder, name)));
    }
    Ok(names)
}
