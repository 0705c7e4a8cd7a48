//! Indexes of other late-interaction engines: [`ForeignIndex`] reads one, [`ForeignSource`] gives
//! its vectors to an [`IndexWriter`](crate::IndexWriter).
//!
//! ```no_run
//! use colidx::import::{ForeignIndex, ForeignSource, new_document};
//! use colidx::{BuildOptions, IndexWriter, NoProgress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut foreign = ForeignIndex::open("plaid/index".as_ref())?;
//! let options = BuildOptions::default().nbits(foreign.suggested_nbits());
//! let mut writer = IndexWriter::create("docs.colidx", options)?;
//! for document in foreign.documents() {
//!     writer.add(new_document(&document?))?;
//! }
//! writer.commit(&mut ForeignSource::new(&foreign), &NoProgress)?;
//! # Ok(())
//! # }
//! ```

use std::error::Error;

use colidx_core::{NewDocument, VectorBatch};
#[cfg(feature = "text")]
use colidx_encoder::CheckpointInfo;

use crate::stored::{StoredSource, StoredVectors};

pub use colidx_import::*;

/// A document of another engine's index, to add to one of ours.
pub fn new_document(document: &ForeignDocument) -> NewDocument<'_> {
    NewDocument::new(&document.key)
        .title(&document.title)
        .text(&document.text)
        .metadata(&document.metadata_json)
}

/// What another engine recorded of its model and a checkpoint contradicts, in a sentence that has
/// both values of each setting; `None` if they agree.
#[cfg(feature = "text")]
pub fn other_settings(known: &ForeignModel, info: &CheckpointInfo) -> Option<String> {
    let mut different = Vec::new();
    let mut compare = |name: &str, recorded: Option<String>, got: String| {
        if let Some(recorded) = recorded.filter(|recorded| *recorded != got) {
            different.push(format!("{name} {recorded}, not {got}"));
        }
    };
    let text = |value: bool| value.to_string();
    let length = |value: Option<u64>| value.map(|value| value.to_string());
    let masked = !info.skiplist.is_empty();
    compare(
        "mask_punctuation",
        known.mask_punctuation.map(text),
        text(masked),
    );
    let attended = info.attend_to_expansion_tokens;
    compare(
        "attend_to_mask_tokens",
        known.attend_to_mask_tokens.map(text),
        text(attended),
    );
    compare(
        "document marker",
        known.document_marker.clone(),
        info.document_marker.trim().to_owned(),
    );
    compare(
        "query marker",
        known.query_marker.clone(),
        info.query_marker.trim().to_owned(),
    );
    // Dot products of vectors of unit length.
    compare("similarity", known.similarity.clone(), "cosine".to_owned());
    compare(
        "document length",
        length(known.document_length),
        info.document_length.to_string(),
    );
    compare(
        "query length",
        length(known.query_length),
        info.query_length.to_string(),
    );
    if different.is_empty() {
        return None;
    }
    Some(format!(
        "the other engine recorded settings that the checkpoint {} contradicts: {}; queries are \
         encoded as the checkpoint says",
        info.name,
        different.join("; ")
    ))
}

/// The vectors of an index, for all of its documents added in order since the last commit.
pub type ForeignSource = StoredSource<VectorReader>;

impl StoredSource<VectorReader> {
    /// The vectors of `index`.
    pub fn new(index: &ForeignIndex) -> ForeignSource {
        StoredSource::over(index.vectors(), index.fingerprint())
    }
}

impl StoredVectors for VectorReader {
    fn dim(&self) -> usize {
        VectorReader::dim(self)
    }

    fn read(
        &mut self,
        document: u64,
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let tokens = VectorReader::read(self, document as usize, &mut out.vectors)?;
        out.lens.push(tokens);
        Ok(())
    }
}

#[cfg(all(test, feature = "text", feature = "data"))]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_are_named_with_both_values() {
        let info = r#"{"name": "tiny", "architecture": "bert", "dim": 8, "hidden": 8, "layers": 1,
            "projected": true, "document_length": 180, "query_length": 32,
            "document_marker": "[unused1]", "query_marker": "[unused0]", "mask_token": "[MASK]",
            "skiplist": ["."], "query_expansion": true, "attend_to_expansion_tokens": false,
            "lower_case": true, "fingerprint": "00"}"#;
        let info: CheckpointInfo = serde_json::from_str(info).unwrap();
        let mut known = ForeignModel::default();
        assert_eq!(other_settings(&known, &info), None);
        known.mask_punctuation = Some(true);
        known.document_marker = Some("[unused1]".to_owned());
        known.similarity = Some("cosine".to_owned());
        known.query_length = Some(32);
        assert_eq!(other_settings(&known, &info), None);
        known.mask_punctuation = Some(false);
        known.attend_to_mask_tokens = Some(true);
        known.query_marker = Some("[Q]".to_owned());
        known.similarity = Some("l2".to_owned());
        known.document_length = Some(220);
        let note = other_settings(&known, &info).unwrap();
        for named in [
            "checkpoint tiny",
            "mask_punctuation false, not true",
            "attend_to_mask_tokens true, not false",
            "query marker [Q], not [unused0]",
            "similarity l2, not cosine",
            "document length 220, not 180",
        ] {
            assert!(note.contains(named), "{note}");
        }
        assert!(!note.contains("document marker") && !note.contains("query length"));
    }
}
