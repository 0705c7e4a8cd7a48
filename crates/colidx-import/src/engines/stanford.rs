//! Stanford ColBERT: tensors of torch beside JSON, the layout that the others come from.
//!
//! `num_embeddings` and `avg_doclen` in the metadata are wrong after updates and place nothing. A
//! passage of length 0 was deleted.

use serde_json::Value;

use super::Parts;
use super::{chunks, place_listed, read_chunks};
use crate::array::Array;
use crate::codec::{Codec, Lengths};
use crate::documents::Table;
use crate::engine::{Engine, ForeignModel};
use crate::error::ImportError;
use crate::folder::Folder;
use crate::options::ImportOptions;
use crate::report::{NoteKind, Report};
use crate::table::{Collection, Texts};
use crate::vectors::Stored;

/// An index, with what RAGatouille asks of it besides.
pub(crate) struct Stanford {
    pub(crate) parts: Parts,
    pub(crate) metadata: Value,
    /// Passages, deleted ones too.
    pub(crate) passages: u64,
}

pub(crate) fn read(folder: &Folder, options: &ImportOptions) -> Result<Stanford, ImportError> {
    let mut stanford = read_vectors(folder)?;
    let collection = &stanford.metadata["config"]["collection"];
    let parts = &mut stanford.parts;
    parts.table = match &options.collection {
        Some(path) => Some(Box::new(Collection::open(path, stanford.passages)?)),
        None => listed(collection, stanford.passages, &mut parts.report),
    };
    Ok(stanford)
}

/// Everything but texts.
pub(crate) fn read_vectors(folder: &Folder) -> Result<Stanford, ImportError> {
    let file = match folder.has("metadata.json") {
        true => "metadata.json",
        false => "plan.json",
    };
    let metadata = folder.settings(file)?;
    let centroids = Array::tensor(folder, "centroids.pt")?;
    let mut buckets = Array::tensors(folder, "buckets.pt")?;
    let weights = buckets.remove("1").ok_or_else(|| {
        folder.mismatch(
            "buckets.pt",
            "a pair of cutoffs and weights",
            "something else",
        )
    })?;
    let mut codec = Codec::residual(&centroids, &weights, Lengths::Unit)?;
    let (mut places, chunks, vectors) = read_chunks(
        chunks(folder, file, &metadata)?,
        &codec,
        &|chunk, placer| place_listed(folder, chunk, placer),
        &|name| Array::tensor(folder, &format!("{name}.pt")),
    )?;
    codec.read_centroids(&centroids, vectors)?;
    let mut report = Report::default();
    let passages = places.len() as u64;
    places.retain(|place| {
        if place.len == 0 {
            report.add(NoteKind::Deleted, place.number);
        }
        place.len > 0
    });
    let parts = Parts {
        engine: Engine::new("Stanford ColBERT", None),
        model: model(&metadata["config"]),
        stored: Stored::Codes { codec, chunks },
        places,
        keys: None,
        table: None,
        report,
    };
    Ok(Stanford {
        parts,
        metadata,
        passages,
    })
}

/// The texts, where the configuration has all of them.
fn listed(collection: &Value, passages: u64, report: &mut Report) -> Option<Box<dyn Table>> {
    match collection {
        Value::String(path) => report.add(NoteKind::TextsElsewhere, path),
        Value::Array(texts) => {
            let all: Option<Vec<_>> = texts.iter().map(Value::as_str).collect();
            match all {
                Some(texts) if texts.len() as u64 == passages => {
                    return Some(Box::new(Texts(
                        texts.into_iter().map(str::to_owned).collect(),
                    )));
                }
                _ => report.add(NoteKind::TextsElsewhere, "the list that was indexed"),
            }
        }
        _ => {}
    }
    None
}

fn model(config: &Value) -> Option<ForeignModel> {
    let text = |key: &str| config[key].as_str().map(str::to_owned);
    Some(ForeignModel {
        checkpoint: text("checkpoint").filter(|checkpoint| !checkpoint.is_empty())?,
        document_length: config["doc_maxlen"].as_u64(),
        query_length: config["query_maxlen"].as_u64(),
        document_marker: text("doc_token_id"),
        query_marker: text("query_token_id"),
        mask_punctuation: config["mask_punctuation"].as_bool(),
        attend_to_mask_tokens: config["attend_to_mask_tokens"].as_bool(),
        similarity: text("similarity"),
    })
}
