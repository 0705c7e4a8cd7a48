//! The documents that a request is held to.

use colidx::{DocId, DocumentSet, Filter, FilterError, Index};

use crate::error::{ApiError, Result};

/// The documents whose metadata match `filter` and whose keys are among `keys`, each where given.
/// `None` for all documents. Keys that the index does not have are passed over.
pub(super) fn scope(
    index: &Index,
    filter: Option<&str>,
    keys: Option<&[String]>,
) -> Result<Option<DocumentSet>> {
    let matching = filter.map(|text| matching(index, text)).transpose()?;
    let listed = keys.map(|keys| listed(index, keys)).transpose()?;
    Ok(match (matching, listed) {
        (Some(matching), Some(listed)) => Some(matching.and(&listed)?),
        (matching, listed) => matching.or(listed),
    })
}

/// The documents whose metadata match a filter.
pub(crate) fn matching(index: &Index, text: &str) -> Result<DocumentSet> {
    let shown = |error: FilterError| ApiError::filter(&error.with_text(text));
    let filter = Filter::parse(text).map_err(shown)?;
    index.matching(&filter).map_err(|error| match error {
        colidx::Error::Filter(error) => shown(error),
        other => other.into(),
    })
}

fn listed(index: &Index, keys: &[String]) -> Result<DocumentSet> {
    let docs = keys.iter().filter_map(|key| index.find(key).transpose());
    let docs = docs.collect::<colidx::Result<Vec<DocId>>>()?;
    Ok(index.document_set(docs)?)
}
