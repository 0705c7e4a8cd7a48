//! Encoders that were not made for late interaction: a transformers directory, or a
//! sentence-transformers one without a projection and without ColBERT's settings.
//!
//! Every token keeps its output vector, scaled to length one. There are no markers, no query
//! expansion and no skiplist. Queries have at most 32 tokens, documents as many as the encoder
//! reads.

use super::chain::Chain;
use super::description::Description;
use super::prompts;
use super::reader::Reader;
use crate::EncoderError;
use crate::settings::Setting;
use crate::text::{Convention, Expansion, RoleSettings, TextSettings};

const OWNER: &str = "colidx";
const QUERY_LENGTH: usize = 32;
/// Maximum tokens of a document if the encoder does not say how many it was trained on.
const DOCUMENT_LENGTH: usize = 512;

/// Reads the files of this layout.
pub(super) fn describe(reader: &mut Reader<'_>) -> Result<Description, EncoderError> {
    reader.sentence.without_lengths()?;
    let mut chain = Chain::default();
    chain.normalize_as(OWNER);
    let (query_prompt, document_prompt) = prompts::take(&mut reader.settings)?;
    let most = reader.info.positions;
    let role = |prompt, length: Setting<usize>| RoleSettings {
        marker: Setting::default(String::new(), OWNER),
        prompt,
        length: length.map(|length| length.min(most)),
        skiplist: Setting::default(Vec::new(), OWNER),
        keep_only: Setting::default(Vec::new(), OWNER),
    };
    let max_length = reader.sentence.max_length.clone();
    let max_length = max_length.unwrap_or_else(|| Setting::default(DOCUMENT_LENGTH, OWNER));
    let text = TextSettings {
        query: role(query_prompt, Setting::default(QUERY_LENGTH, OWNER)),
        document: role(document_prompt, max_length),
        expansion: Expansion::none(OWNER),
        lower_case: reader.sentence.lower_case.clone(),
        convention: Convention::PyLate,
    };
    reader.settings.ignore(&["similarity_fn_name"]);
    reader.note_other_settings()?;
    Ok(Description {
        layout: match reader.modules {
            Some(_) => "sentence-transformers",
            None => "transformers",
        },
        text,
        chain,
    })
}
