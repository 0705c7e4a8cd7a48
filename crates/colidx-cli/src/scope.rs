//! The documents that a search is held to.

use std::path::PathBuf;

use colidx::{DocumentSet, Filter, Index, SearchOptions};

use crate::args::ScopeArgs;
use crate::error::CliError;
use crate::output::note;
use crate::render::number;
use colidx_data::read_keys;

/// What the flags say, read and ready for any state of the index.
pub struct Scope {
    filter: Option<(String, Filter)>,
    keys: Option<(PathBuf, Vec<String>)>,
}

impl Scope {
    /// Reads the files that the flags name.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn open(args: &ScopeArgs) -> Result<Scope, CliError> {
        let keys = match &args.keys {
            Some(file) => {
                let keys = read_keys(file)?.into_iter().map(|(_, key)| key);
                Some((file.clone(), keys.collect()))
            }
            None => None,
        };
        let filter = match &args.filter {
            Some(text) => Some((text.clone(), parse_filter(text)?)),
            None => None,
        };
        Ok(Scope { filter, keys })
    }

    /// Takes another filter, or none. Returns how many documents of `index` match it.
    ///
    /// # Errors
    /// It cannot be read, or does not fit the metadata; the filter is then as it was.
    pub fn set_filter(&mut self, index: &Index, filter: Option<String>) -> Result<u64, CliError> {
        let Some(text) = filter else {
            self.filter = None;
            return Ok(index.num_documents());
        };
        let filter = parse_filter(&text)?;
        let found = matching(index, &text, &filter)?.len();
        self.filter = Some((text, filter));
        Ok(found)
    }

    /// `options` for a search of `index` within the scope. Says how many of the keys the index does
    /// not have.
    ///
    /// # Errors
    /// It has none of them, or the filter does not fit its metadata.
    pub fn options(
        &self,
        index: &Index,
        options: SearchOptions,
    ) -> Result<SearchOptions, CliError> {
        let matching = match &self.filter {
            Some((text, filter)) => Some(matching(index, text, filter)?),
            None => None,
        };
        let set = match (self.listed(index)?, matching) {
            (Some(listed), Some(matching)) => Some(listed.and(&matching)?),
            (listed, matching) => listed.or(matching),
        };
        Ok(match set {
            Some(set) => options.within(set),
            None => options,
        })
    }

    /// The documents that are listed by their keys.
    fn listed(&self, index: &Index) -> Result<Option<DocumentSet>, CliError> {
        let Some((file, keys)) = &self.keys else {
            return Ok(None);
        };
        let mut docs = Vec::new();
        let mut unknown: Vec<&str> = Vec::new();
        for key in keys {
            match index.find(key)? {
                Some(doc) => docs.push(doc),
                None => unknown.push(key),
            }
        }
        if docs.is_empty() {
            return Err(CliError::NoSuchKeys {
                file: file.clone(),
                index: index.path().to_owned(),
                example: unknown.first().map(|&key| key.to_owned()),
            });
        }
        if let Some(first) = unknown.first() {
            note(&format!(
                "{} not in the index, such as `{first}`",
                number::counted(unknown.len() as u64, "key"),
            ));
        }
        Ok(Some(index.document_set(docs)?))
    }
}

/// A filter as a flag has it.
///
/// # Errors
/// It cannot be read; the message shows where.
pub fn parse_filter(text: &str) -> Result<Filter, CliError> {
    Filter::parse(text).map_err(|error| CliError::Filter(Box::new(error)))
}

/// The documents that match a filter, given its text for messages.
///
/// # Errors
/// It does not fit the metadata of the index; the message shows where.
pub fn matching(index: &Index, text: &str, filter: &Filter) -> Result<DocumentSet, CliError> {
    index.matching(filter).map_err(|error| match error {
        colidx::Error::Filter(error) => CliError::Filter(Box::new(error.with_text(text))),
        other => other.into(),
    })
}
