//! The indexes of a service: each at its newest commit, with its checkpoint and its writer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use colidx::{Index, IndexReader};

use crate::checkpoints::{Checkpoint, Checkpoints};
use crate::log::Log;
use crate::options::ServeError;
use crate::writer::Writer;

/// How often a request looks for a commit by another program.
const LOOK: Duration = Duration::from_secs(1);

/// An index that is served.
pub(crate) struct Served {
    pub name: String,
    pub writer: Writer,
    reader: IndexReader,
    checkpoint: RwLock<Option<Arc<Checkpoint>>>,
}

impl Served {
    pub fn new(name: String, reader: IndexReader, writer: Writer, all: &Checkpoints) -> Served {
        let checkpoint = all.of_index(&reader.index());
        Served {
            name,
            writer,
            reader,
            checkpoint: RwLock::new(checkpoint),
        }
    }

    /// The newest known commit.
    pub fn index(&self) -> Index {
        self.reader.index()
    }

    /// The checkpoint for text; `None` for an index of vectors.
    pub fn checkpoint(&self) -> Option<Arc<Checkpoint>> {
        let checkpoint = self.checkpoint.read();
        checkpoint.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Moves on to the newest commit, if it is time to look for one. A failure is logged, and
    /// what is open stays served.
    pub fn look(&self, all: &Checkpoints, log: &Log) {
        match self.reader.reload_after(LOOK) {
            Ok(false) => {}
            Ok(true) => self.adopt(all),
            Err(error) => log.note(&format!("cannot reload `{}`: {error}", self.name)),
        }
    }

    /// Moves on to the newest commit. Returns whether there was one.
    ///
    /// # Errors
    /// It cannot be opened; the current one stays served.
    pub fn reload(&self, all: &Checkpoints) -> colidx::Result<bool> {
        let newer = self.reader.reload()?;
        if newer {
            self.adopt(all);
        }
        Ok(newer)
    }

    /// An index that was rebuilt may have another checkpoint.
    fn adopt(&self, all: &Checkpoints) {
        let checkpoint = all.of_index(&self.reader.index());
        let current = self.checkpoint.write();
        *current.unwrap_or_else(PoisonError::into_inner) = checkpoint;
    }
}

/// Names and places of the indexes that `paths` name: each an index, or a folder of indexes.
pub(crate) fn find(paths: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>, ServeError> {
    let mut found = BTreeMap::new();
    for path in paths {
        let places = match Index::exists(path) {
            true => vec![path.clone()],
            false => indexes_in(path)?,
        };
        for place in places {
            let name = name_of(&place);
            if found.insert(name.clone(), place).is_some() {
                return Err(ServeError::SameName(name));
            }
        }
    }
    Ok(found)
}

fn indexes_in(folder: &Path) -> Result<Vec<PathBuf>, ServeError> {
    let failed = |source| ServeError::Folder {
        path: folder.to_owned(),
        source,
    };
    let mut places = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let place = entry.map_err(failed)?.path();
        if Index::exists(&place) {
            places.push(place);
        }
    }
    match places.is_empty() {
        true => Err(ServeError::NoIndex(folder.to_owned())),
        false => Ok(places),
    }
}

/// The name of a directory without the ending `.colidx`.
fn name_of(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_name().unwrap_or(absolute.as_os_str());
    let name = name.to_string_lossy();
    let short = name.strip_suffix(".colidx").filter(|name| !name.is_empty());
    short.unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_directories() {
        assert_eq!(name_of(Path::new("/a/docs.colidx")), "docs");
        assert_eq!(name_of(Path::new("/a/docs.colidx/")), "docs");
        assert_eq!(name_of(Path::new("/a/docs")), "docs");
        assert_eq!(name_of(Path::new("/a/.colidx")), ".colidx");
    }

    #[test]
    fn a_folder_stands_for_the_indexes_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("manifest"), "").unwrap();
            place
        };
        let (a, b) = (make("a.colidx"), make("b"));
        std::fs::create_dir(folder.path().join("other")).unwrap();
        let all = find(&[folder.path().to_owned()]).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(find(std::slice::from_ref(&a)).unwrap().len(), 1);
        let same = find(&[a.clone(), folder.path().to_owned()]);
        assert!(matches!(same, Err(ServeError::SameName(name)) if name == "a"));
        let none = find(&[folder.path().join("other")]);
        assert!(matches!(none, Err(ServeError::NoIndex(_))));
        assert!(matches!(
            find(&[b.join("nothing")]),
            Err(ServeError::Folder { .. })
        ));
    }
}
