//! The layout of MultiVectorEncoder in sentence-transformers 6 and later.
//!
//! Marker and prompt are one text, put before a text unchanged. Lengths and query expansion are
//! settings of the transformer, skiplists those of a separate module. By default there are no
//! markers, no query expansion and no skiplist.

use super::chain::{self, Chain};
use super::description::Description;
use super::prompts;
use super::reader::Reader;
use crate::EncoderError;
use crate::layout::{MODULES, Module};
use crate::settings::{Setting, UnknownKeys};
use crate::text::{Convention, Expansion, RoleSettings, TextSettings};

const OWNER: &str = "sentence-transformers";

/// The tokens that get vectors in queries and documents.
struct Mask {
    skiplist: Setting<Vec<String>>,
    tasks: Vec<String>,
    keep_only: Setting<Vec<u32>>,
}

/// Reads the files of this layout.
pub(super) fn describe(reader: &mut Reader<'_>) -> Result<Description, EncoderError> {
    if let Some(key) = super::pylate::first_setting(&reader.settings) {
        return Err(reader.settings.unsupported(
            format!("{key} of PyLate beside the settings of MultiVectorEncoder"),
            "one of both: save the checkpoint with sentence-transformers again",
        ));
    }
    let mut chain = Chain::default();
    let mut mask = None;
    let modules = reader.modules.take().unwrap_or_default();
    for module in &modules {
        let pooled = chain.pooling.is_some();
        match module.class() {
            "Dense" if !pooled => {
                chain.dense(
                    reader.root,
                    &module.path,
                    "torch.nn.Tanh",
                    &mut reader.notes,
                )?;
            }
            "Normalize" if !pooled => {
                chain.normalize(reader.root, &module.path, &mut reader.notes)?;
            }
            "HierarchicalTokenPooling" if !pooled => {
                chain.pool(reader.root, &module.path, &mut reader.notes)?;
            }
            "MultiVectorMask" if !pooled && mask.is_none() => {
                mask = Some(read_mask(reader, &mut chain, module)?);
            }
            // Only used in training.
            "Dropout" => {}
            class => {
                let place = if pooled {
                    " behind HierarchicalTokenPooling"
                } else {
                    ""
                };
                return Err(EncoderError::Unsupported {
                    path: reader.root.join(MODULES),
                    feature: format!("the module {class}{place} (`{}`)", module.path),
                    known: "Dense, Normalize, one MultiVectorMask, and HierarchicalTokenPooling at \
                            the end",
                });
            }
        }
    }
    reader.modules = Some(modules);
    let similarity = |value: &serde_json::Value| {
        ["maxsim", "meanmaxsim", "MaxSim"]
            .iter()
            .any(|known| value == known)
    };
    reader
        .settings
        .refuse_unless("similarity_fn_name", similarity, "maxsim, meanmaxsim")?;
    let (query_prompt, document_prompt) = prompts::take(&mut reader.settings)?;

    let expansion = expansion(reader)?;
    if expansion.is_some() && mask.is_none() {
        return Err(EncoderError::Unsupported {
            path: reader.root.join(MODULES),
            feature: "query_expansion without a MultiVectorMask".to_owned(),
            known: "both or neither",
        });
    }
    let max_length = max_length(reader);
    let mut lengths =
        |key| -> Result<Option<Setting<usize>>, EncoderError> { reader.sentence.lengths.take(key) };
    let (query, document) = (lengths("query_length")?, lengths("document_length")?);
    let document = document.unwrap_or_else(|| max_length.clone());
    // The query length limits queries padded to a minimum; those padded to a fixed length ignore
    // it.
    let (expansion, query) = match expansion {
        None => (Expansion::none(OWNER), query.unwrap_or(max_length)),
        Some((expansion, fixed)) => {
            let least = expansion.length.clone();
            if let Some(query) = query.as_ref().filter(|query| query.value < least.value) {
                return Err(reader.sentence.lengths.problem(format!(
                    "query_length is {} and query_expansion.length is {}; queries cannot be both",
                    query.value, least.value
                )));
            }
            let most = query.unwrap_or(max_length);
            let most = if fixed || most.value < least.value {
                least
            } else {
                most
            };
            (expansion, most)
        }
    };
    let mask = mask.unwrap_or_else(|| Mask {
        skiplist: Setting::default(Vec::new(), OWNER),
        tasks: Vec::new(),
        keep_only: Setting::default(Vec::new(), OWNER),
    });
    let role = |task: &str, prompt, length| RoleSettings {
        marker: Setting::default(String::new(), OWNER),
        prompt,
        length,
        skiplist: match mask.tasks.iter().any(|found| found == task) {
            true => mask.skiplist.clone(),
            false => Setting::default(Vec::new(), OWNER),
        },
        keep_only: match task {
            "query" => Setting::default(Vec::new(), OWNER),
            _ => mask.keep_only.clone(),
        },
    };
    let text = TextSettings {
        query: role("query", query_prompt, query),
        document: role("document", document_prompt, document),
        expansion,
        lower_case: reader.sentence.lower_case.clone(),
        convention: Convention::SentenceTransformers,
    };
    let lengths = reader.sentence.lengths.take_rest();
    lengths.finish(UnknownKeys::Refuse, &mut reader.notes)?;
    reader.note_other_settings()?;
    Ok(Description {
        layout: "MultiVectorEncoder",
        text,
        chain,
    })
}

fn read_mask(
    reader: &mut Reader<'_>,
    chain: &mut Chain,
    module: &Module,
) -> Result<Mask, EncoderError> {
    let mut file = chain::module_config(reader.root, &module.path)?;
    let skiplist = file.take_or("skiplist_words", Vec::new(), OWNER)?;
    let tasks = chain::tasks(&mut file, "skiplist_tasks")?;
    let keep_only = file.take_or("keep_only_token_ids", Vec::new(), OWNER)?;
    file.finish(UnknownKeys::Refuse, &mut reader.notes)?;
    let value = format!("skiplist for {}", tasks.value.join(" and "));
    chain.note(&module.path, &tasks, value);
    Ok(Mask {
        skiplist,
        tasks: tasks.value,
        keep_only,
    })
}

/// Reads `query_expansion`, and whether queries are padded to exactly its length (not at least).
fn expansion(reader: &mut Reader<'_>) -> Result<Option<(Expansion, bool)>, EncoderError> {
    const KEY: &str = "query_expansion";
    let lengths = &mut reader.sentence.lengths;
    let Some(object) = lengths.take(KEY)? else {
        return Ok(None);
    };
    let mut file = lengths.nested(KEY, object.value);
    let strategy: Option<Setting<String>> = file.take("strategy")?;
    let strategy = strategy.map_or_else(String::new, |strategy| strategy.value);
    let fixed = match strategy.as_str() {
        "fixed" => true,
        "min" => false,
        other => return Err(file.unsupported(format!("{KEY}.strategy `{other}`"), "fixed, min")),
    };
    let length: Option<Setting<usize>> = file.take("length")?;
    let Some(length) = length.filter(|length| length.value > 0) else {
        return Err(file.problem(format!("{KEY}.length is missing or 0")));
    };
    let token: Option<Setting<String>> = file.take("token")?;
    let expansion = Expansion {
        on: Setting {
            value: true,
            origin: object.origin,
        },
        length,
        attend: file.take_or("attend", false, OWNER)?,
        token: match token {
            Some(token) => token.map(Some),
            None => Setting::default(None, OWNER),
        },
    };
    file.finish(UnknownKeys::Refuse, &mut reader.notes)?;
    Ok(Some((expansion, fixed)))
}

/// Maximum tokens of a text if no length is set: that of the tokenizer, if the model has as many
/// positions.
fn max_length(reader: &Reader<'_>) -> Setting<usize> {
    let most = reader.info.positions;
    match (&reader.sentence.max_length, &reader.tokenizer.max_length) {
        (Some(max_length), _) => max_length.clone(),
        (None, Some(max_length)) if max_length.value <= most => max_length.clone(),
        _ => Setting::default(most, "max_position_embeddings"),
    }
}
