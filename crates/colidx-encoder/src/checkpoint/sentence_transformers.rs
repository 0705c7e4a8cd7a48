//! The layout of MultiVectorEncoder in sentence-transformers since version 6.
//!
//! Markers and prompts are one text, put before a text as it is; lengths and query expansion stand with the transformer,
//! skiplists in a module of their own. Where nothing is said there is no marker, no expansion and no skiplist.

use super::chain::{self, Chain};
use super::description::Description;
use super::prompts;
use super::reading::Reading;
use crate::EncoderError;
use crate::layout::{MODULES, Module};
use crate::settings::{Setting, Unknown};
use crate::text::{Expansion, Manner, RoleSettings, TextSettings};

const WHOSE: &str = "sentence-transformers";

/// Which tokens get vectors, for queries and for documents.
struct Mask {
    skiplist: Setting<Vec<String>>,
    tasks: Vec<String>,
    keep_only: Setting<Vec<u32>>,
}

/// What the files say.
pub(super) fn describe(reading: &mut Reading<'_>) -> Result<Description, EncoderError> {
    if let Some(key) = super::pylate::first_setting(&reading.settings) {
        return Err(reading.settings.unsupported(
            format!("{key} of PyLate beside the settings of MultiVectorEncoder"),
            "one of both: save the checkpoint with sentence-transformers again",
        ));
    }
    let mut chain = Chain::default();
    let mut mask = None;
    let modules = reading.modules.take().unwrap_or_default();
    for module in &modules {
        let pooled = chain.pooling.is_some();
        match module.class() {
            "Dense" if !pooled => {
                chain.dense(
                    reading.root,
                    &module.path,
                    "torch.nn.Tanh",
                    &mut reading.notes,
                )?;
            }
            "Normalize" if !pooled => {
                chain.normalize(reading.root, &module.path, &mut reading.notes)?;
            }
            "HierarchicalTokenPooling" if !pooled => {
                chain.pool(reading.root, &module.path, &mut reading.notes)?;
            }
            "MultiVectorMask" if !pooled && mask.is_none() => {
                mask = Some(read_mask(reading, &mut chain, module)?);
            }
            // Does nothing but in training.
            "Dropout" => {}
            class => {
                let place = if pooled {
                    " behind HierarchicalTokenPooling"
                } else {
                    ""
                };
                return Err(EncoderError::Unsupported {
                    path: reading.root.join(MODULES),
                    feature: format!("the module {class}{place} (`{}`)", module.path),
                    known: "Dense, Normalize, one MultiVectorMask, and HierarchicalTokenPooling at the end",
                });
            }
        }
    }
    reading.modules = Some(modules);
    let similarity = |value: &serde_json::Value| {
        ["maxsim", "meanmaxsim", "MaxSim"]
            .iter()
            .any(|known| value == known)
    };
    reading
        .settings
        .refuse_unless("similarity_fn_name", similarity, "maxsim, meanmaxsim")?;
    let (query_prompt, document_prompt) = prompts::take(&mut reading.settings)?;

    let expansion = expansion(reading)?;
    if expansion.is_some() && mask.is_none() {
        return Err(EncoderError::Unsupported {
            path: reading.root.join(MODULES),
            feature: "query_expansion without a MultiVectorMask".to_owned(),
            known: "both or neither",
        });
    }
    let longest = longest(reading);
    let mut lengths = |key| -> Result<Option<Setting<usize>>, EncoderError> {
        reading.sentence.lengths.take(key)
    };
    let (query, document) = (lengths("query_length")?, lengths("document_length")?);
    let document = document.unwrap_or_else(|| longest.clone());
    // A length is a ceiling for queries that are padded to at least so many tokens, and says nothing of those padded to
    // exactly so many.
    let (expansion, query) = match expansion {
        None => (Expansion::none(WHOSE), query.unwrap_or(longest)),
        Some((expansion, fixed)) => {
            let least = expansion.length.clone();
            if let Some(query) = query.as_ref().filter(|query| query.value < least.value) {
                return Err(reading.sentence.lengths.problem(format!(
                    "query_length is {} and query_expansion.length is {}; queries cannot be both",
                    query.value, least.value
                )));
            }
            let most = query.unwrap_or(longest);
            let most = if fixed || most.value < least.value {
                least
            } else {
                most
            };
            (expansion, most)
        }
    };
    let mask = mask.unwrap_or_else(|| Mask {
        skiplist: Setting::default(Vec::new(), WHOSE),
        tasks: Vec::new(),
        keep_only: Setting::default(Vec::new(), WHOSE),
    });
    let role = |task: &str, prompt, length| RoleSettings {
        marker: Setting::default(String::new(), WHOSE),
        prompt,
        length,
        skiplist: match mask.tasks.iter().any(|found| found == task) {
            true => mask.skiplist.clone(),
            false => Setting::default(Vec::new(), WHOSE),
        },
        keep_only: match task {
            "query" => Setting::default(Vec::new(), WHOSE),
            _ => mask.keep_only.clone(),
        },
    };
    let text = TextSettings {
        query: role("query", query_prompt, query),
        document: role("document", document_prompt, document),
        expansion,
        lower_case: reading.sentence.lower_case.clone(),
        manner: Manner::SentenceTransformers,
    };
    let lengths = reading.sentence.lengths.rest();
    lengths.finish(Unknown::Refuse, &mut reading.notes)?;
    let rest = reading.settings.rest();
    rest.finish(Unknown::Tell, &mut reading.notes)?;
    Ok(Description {
        layout: "MultiVectorEncoder",
        text,
        chain,
    })
}

fn read_mask(
    reading: &mut Reading<'_>,
    chain: &mut Chain,
    module: &Module,
) -> Result<Mask, EncoderError> {
    let mut file = chain::module_config(reading.root, &module.path)?;
    let skiplist = file.take_or("skiplist_words", Vec::new(), WHOSE)?;
    let tasks = chain::tasks(&mut file, "skiplist_tasks")?;
    let keep_only = file.take_or("keep_only_token_ids", Vec::new(), WHOSE)?;
    file.finish(Unknown::Refuse, &mut reading.notes)?;
    let value = format!("skiplist for {}", tasks.value.join(" and "));
    chain.tell(&module.path, &tasks, value);
    Ok(Mask {
        skiplist,
        tasks: tasks.value,
        keep_only,
    })
}

/// `query_expansion`, and whether queries have exactly so many tokens rather than at least.
fn expansion(reading: &mut Reading<'_>) -> Result<Option<(Expansion, bool)>, EncoderError> {
    const KEY: &str = "query_expansion";
    let lengths = &mut reading.sentence.lengths;
    let Some(object) = lengths.take(KEY)? else {
        return Ok(None);
    };
    let mut file = lengths.inner(KEY, object.value);
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
        attend: file.take_or("attend", false, WHOSE)?,
        token: match token {
            Some(token) => token.map(Some),
            None => Setting::default(None, WHOSE),
        },
    };
    file.finish(Unknown::Refuse, &mut reading.notes)?;
    Ok(Some((expansion, fixed)))
}

/// Tokens of the longest text where no length is said: as many as the tokenizer is for, and the model has places for.
fn longest(reading: &Reading<'_>) -> Setting<usize> {
    let most = reading.outline.positions;
    match (&reading.sentence.longest, &reading.tokenizer.longest) {
        (Some(longest), _) => longest.clone(),
        (None, Some(longest)) if longest.value <= most => longest.clone(),
        _ => Setting::default(most, "max_position_embeddings"),
    }
}
