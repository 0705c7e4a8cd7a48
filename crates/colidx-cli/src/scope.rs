//! The documents that a search is held to.

use std::path::PathBuf;

use colidx::{Index, SearchOptions};

use crate::args::ScopeArgs;
use crate::error::CliError;
use crate::output::note;
use crate::render::number;
use colidx_data::read_keys;

/// What the flags say, read and ready for any state of the index.
pub struct Scope {
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
        Ok(Scope { keys })
    }

    /// `options` for a search of `index` within the scope. Says how many of the keys the index does
    /// not have.
    ///
    /// # Errors
    /// It has none of them.
    pub fn options(
        &self,
        index: &Index,
        options: SearchOptions,
    ) -> Result<SearchOptions, CliError> {
        let Some((file, keys)) = &self.keys else {
            return Ok(options);
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
        Ok(options.within(index.document_set(docs)?))
    }
}
