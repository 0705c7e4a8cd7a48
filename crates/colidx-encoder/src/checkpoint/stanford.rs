//! The layout of ColBERT's own code: `linear.weight` among the transformer's tensors
//! (`HF_ColBERT`), and the settings in `artifact.metadata`.
//!
//! Missing settings have the defaults of PyLate and sentence-transformers for such checkpoints.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::chain::{Chain, Projector};
use super::description::{Description, punctuation};
use super::reader::Reader;
use crate::EncoderError;
use crate::layout::{METADATA, MODULES};
use crate::settings::{Setting, SettingsFile, UnknownKeys};
use crate::text::{Convention, Expansion, RoleSettings, TextSettings};

const OWNER: &str = "PyLate for ColBERT's checkpoints";

/// Settings of training, indexing and search.
const IGNORED: [&str; 55] = [
    "accumsteps",
    "amp",
    "avoid_fork_if_possible",
    "bsize",
    "centroid_score_threshold",
    "checkpoint",
    "collection",
    "distillation_alpha",
    "doc_token",
    "experiment",
    "gpus",
    "ignore_scores",
    "in_batch_negatives",
    "index_bsize",
    "index_name",
    "index_path",
    "index_root",
    "interaction",
    "kmeans_niters",
    "load_index_with_mmap",
    "lr",
    "maxsteps",
    "meta",
    "model_name",
    "name",
    "nbits",
    "ncandidates",
    "ncells",
    "ndocs",
    "nprobe",
    "nranks",
    "nway",
    "only_top",
    "overwrite",
    "partitions",
    "pool_factor",
    "pool_margin",
    "protected_tokens",
    "queries",
    "query_token",
    "rank",
    "relu",
    "rerank",
    "resume",
    "resume_optimizer",
    "reranker",
    "root",
    "save_every",
    "shuffle",
    "skip_index",
    "total_visible_gpus",
    "triples",
    "use_ib_negatives",
    "use_relu",
    "warmup",
];

/// Reads the files of this layout.
pub(super) fn describe(reader: &mut Reader<'_>) -> Result<Description, EncoderError> {
    reader.sentence.without_lengths()?;
    if let Some(key) = super::pylate::first_setting(&reader.settings) {
        return Err(reader.settings.unsupported(
            format!("{key} of PyLate beside the weights of ColBERT's own code"),
            "one of both: Dense modules in modules.json, or no such settings",
        ));
    }
    if reader.modules.is_some() {
        reader.notes.push(format!(
            "{MODULES} lists no Dense module; the weights hold ColBERT's projection, so its own \
             layout is taken"
        ));
    }
    let mut file = Metadata(SettingsFile::open(reader.root, METADATA)?);
    let similarity: Option<Setting<String>> = file.take("similarity")?;
    // For vectors of length one both give the same ranking.
    if let Some(other) = similarity
        && !["cosine", "l2"].contains(&other.value.as_str())
    {
        let feature = format!("similarity `{}`", other.value);
        return Err(file.0.unsupported(feature, "cosine, l2"));
    }
    let dim: Option<Setting<usize>> = file.take("dim")?;
    if dim.as_ref().is_some_and(|dim| dim.value == 0) {
        return Err(file
            .0
            .problem("dim is 0 and should be at least 1".to_owned()));
    }
    let mut chain = Chain::default();
    chain
        .projectors
        .push(Projector::Linear(dim.map(|dim| dim.value)));
    chain.normalize_as("ColBERT");
    let mask_punctuation = file.take_or("mask_punctuation", true)?;
    let query = RoleSettings {
        marker: file.take_or("query_token_id", "[unused0]".to_owned())?,
        prompt: Setting::default(String::new(), OWNER),
        length: file.take_or("query_maxlen", 32)?,
        skiplist: Setting::default(Vec::new(), OWNER),
        keep_only: Setting::default(Vec::new(), OWNER),
    };
    let text = TextSettings {
        expansion: Expansion {
            on: Setting::default(true, "ColBERT"),
            length: query.length.clone(),
            attend: file.take_or("attend_to_mask_tokens", false)?,
            token: Setting::default(None, "ColBERT"),
        },
        query,
        document: RoleSettings {
            marker: file.take_or("doc_token_id", "[unused1]".to_owned())?,
            prompt: Setting::default(String::new(), OWNER),
            length: file.take_or("doc_maxlen", 180)?,
            skiplist: mask_punctuation.map(|mask| match mask {
                true => punctuation(),
                false => Vec::new(),
            }),
            keep_only: Setting::default(Vec::new(), OWNER),
        },
        // The file belongs to sentence-transformers, which reads it only beside a list of modules.
        lower_case: match reader.modules {
            Some(_) => reader.sentence.lower_case.clone(),
            None => Setting::default(false, "ColBERT"),
        },
        convention: Convention::ColBert,
    };
    file.0.ignore(&IGNORED);
    file.0.finish(UnknownKeys::Note, &mut reader.notes)?;
    Ok(Description {
        layout: "Stanford",
        text,
        chain,
    })
}

/// `artifact.metadata`. Some versions of ColBERT wrote an object with the default in `val` in place
/// of the default itself.
struct Metadata(SettingsFile);

impl Metadata {
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<Setting<T>>, EncoderError> {
        let Some(found) = self.0.take::<Value>(key)? else {
            return Ok(None);
        };
        let value = match &found.value {
            Value::Object(object) => match object.get("val").or_else(|| object.get("content")) {
                Some(inner) => inner.clone(),
                None => found.value,
            },
            _ => found.value,
        };
        match serde_json::from_value(value) {
            Ok(value) => Ok(Some(Setting {
                value,
                origin: found.origin,
            })),
            Err(error) => Err(self.0.problem(format!("{key}: {error}"))),
        }
    }

    fn take_or<T: DeserializeOwned>(
        &mut self,
        key: &str,
        default: T,
    ) -> Result<Setting<T>, EncoderError> {
        let taken = self.take(key)?;
        Ok(taken.unwrap_or_else(|| Setting::default(default, OWNER)))
    }
}
