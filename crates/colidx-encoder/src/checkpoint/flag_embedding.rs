//! The layout of FlagEmbedding's multi-functional models (bge-m3, Chen et al., arXiv 2402.03216): a
//! transformer, and the projection of token vectors in its own file. The first token has no vector;
//! there are no markers and no query expansion.

use super::chain::{Chain, Projector};
use super::description::Description;
use super::reader::Reader;
use crate::EncoderError;
use crate::layout::HEAD;
use crate::settings::Setting;
use crate::text::{Convention, Expansion, RoleSettings, TextSettings};

const OWNER: &str = "FlagEmbedding";
const LENGTH: usize = 512;

/// Reads the files of this layout.
pub(super) fn describe(reader: &mut Reader<'_>) -> Result<Description, EncoderError> {
    reader.sentence.without_lengths()?;
    let mut chain = Chain::default();
    chain.projectors.push(Projector::Head(HEAD));
    chain.normalize_as(OWNER);
    let most = reader.info.positions;
    let role = |length| RoleSettings {
        marker: Setting::default(String::new(), OWNER),
        prompt: Setting::default(String::new(), OWNER),
        length,
        skiplist: Setting::default(Vec::new(), OWNER),
        keep_only: Setting::default(Vec::new(), OWNER),
    };
    let default = Setting::default(LENGTH.min(most), OWNER);
    let max_length = reader.sentence.max_length.clone();
    let text = TextSettings {
        query: role(default.clone()),
        document: role(
            max_length.map_or(default, |max_length| max_length.map(|n: usize| n.min(most))),
        ),
        expansion: Expansion::none(OWNER),
        lower_case: reader.sentence.lower_case.clone(),
        convention: Convention::FlagEmbedding,
    };
    super::prompts::take(&mut reader.settings)?;
    reader.settings.ignore(&["similarity_fn_name"]);
    reader.note_other_settings()?;
    Ok(Description {
        layout: OWNER,
        text,
        chain,
    })
}
