//! The layout of FlagEmbedding's multi-functional models (bge-m3, Chen et al., arXiv 2402.03216): a transformer, and the
//! head for token vectors in a file of its own. The first token has no vector; there is no marker and no expansion.

use super::chain::{Chain, Projector};
use super::description::Description;
use super::reading::Reading;
use crate::EncoderError;
use crate::layout::HEAD;
use crate::settings::{Setting, Unknown};
use crate::text::{Expansion, Manner, RoleSettings, TextSettings};

const WHOSE: &str = "FlagEmbedding";
const LENGTH: usize = 512;

/// What the files say.
pub(super) fn describe(reading: &mut Reading<'_>) -> Result<Description, EncoderError> {
    reading.sentence.without_lengths()?;
    let mut chain = Chain::default();
    chain.projectors.push(Projector::Head(HEAD));
    chain.normalize_as(WHOSE);
    let most = reading.outline.positions;
    let role = |length| RoleSettings {
        marker: Setting::default(String::new(), WHOSE),
        prompt: Setting::default(String::new(), WHOSE),
        length,
        skiplist: Setting::default(Vec::new(), WHOSE),
        keep_only: Setting::default(Vec::new(), WHOSE),
    };
    let default = Setting::default(LENGTH.min(most), WHOSE);
    let longest = reading.sentence.longest.clone();
    let text = TextSettings {
        query: role(default.clone()),
        document: role(longest.map_or(default, |longest| longest.map(|n: usize| n.min(most)))),
        expansion: Expansion::none(WHOSE),
        lower_case: reading.sentence.lower_case.clone(),
        manner: Manner::FlagEmbedding,
    };
    super::prompts::take(&mut reading.settings)?;
    reading.settings.pass_over(&["similarity_fn_name"]);
    let rest = reading.settings.rest();
    rest.finish(Unknown::Tell, &mut reading.notes)?;
    Ok(Description {
        layout: WHOSE,
        text,
        chain,
    })
}
