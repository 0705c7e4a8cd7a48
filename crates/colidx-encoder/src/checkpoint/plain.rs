//! Encoders that were not made for late interaction: a transformers directory, or a sentence-transformers one without a
//! projection and without ColBERT's settings.
//!
//! Every token keeps the vector that the transformer gives it, scaled to length one. There are no markers, no query
//! expansion and no skiplist; queries have 32 tokens at most, and documents as many as the encoder reads.

use super::chain::Chain;
use super::description::Description;
use super::prompts;
use super::reading::Reading;
use crate::EncoderError;
use crate::settings::{Setting, Unknown};
use crate::text::{Expansion, Manner, RoleSettings, TextSettings};

const WHOSE: &str = "colidx";
const QUERY_LENGTH: usize = 32;
/// Tokens of a document where the encoder could read more and does not say how many it was trained on.
const DOCUMENT_LENGTH: usize = 512;

/// What the files say.
pub(super) fn describe(reading: &mut Reading<'_>) -> Result<Description, EncoderError> {
    reading.sentence.without_lengths()?;
    let mut chain = Chain::default();
    chain.normalize_as(WHOSE);
    let (query_prompt, document_prompt) = prompts::take(&mut reading.settings)?;
    let most = reading.outline.positions;
    let role = |prompt, length: Setting<usize>| RoleSettings {
        marker: Setting::default(String::new(), WHOSE),
        prompt,
        length: length.map(|length| length.min(most)),
        skiplist: Setting::default(Vec::new(), WHOSE),
        keep_only: Setting::default(Vec::new(), WHOSE),
    };
    let longest = reading.sentence.longest.clone();
    let longest = longest.unwrap_or_else(|| Setting::default(DOCUMENT_LENGTH, WHOSE));
    let text = TextSettings {
        query: role(query_prompt, Setting::default(QUERY_LENGTH, WHOSE)),
        document: role(document_prompt, longest),
        expansion: Expansion::none(WHOSE),
        lower_case: reading.sentence.lower_case.clone(),
        manner: Manner::PyLate,
    };
    reading.settings.pass_over(&["similarity_fn_name"]);
    let rest = reading.settings.rest();
    rest.finish(Unknown::Tell, &mut reading.notes)?;
    Ok(Description {
        layout: match reading.modules {
            Some(_) => "sentence-transformers",
            None => "transformers",
        },
        text,
        chain,
    })
}
