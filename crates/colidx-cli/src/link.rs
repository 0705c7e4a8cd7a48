//! From the metadata of a passage to the file that it is of.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::output::Link;

/// What the reader of a corpus says of where a passage stands.
#[derive(Deserialize)]
struct Passage {
    /// The way from the index to the folder that `path` begins at.
    root: PathBuf,
    path: PathBuf,
    line_start: u64,
}

/// The file and line of a hit in the index at `index`; `None` if it is no passage of a file, or
/// the file is gone.
pub fn of_hit(index: &Path, metadata: &str) -> Option<Link> {
    let passage: Passage = serde_json::from_str(metadata).ok()?;
    let file = index.join(&passage.root).join(&passage.path);
    let file = without_dots(&std::path::absolute(file).ok()?);
    file.is_file().then(|| Link::new(&file, passage.line_start))
}

/// A path without `..`, resolved lexically.
fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_of_a_file_that_is_there_has_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.rs");
        std::fs::write(&file, "x").unwrap();
        let index = folder.path().join("x.colidx");
        let of = |metadata| of_hit(&index, metadata);
        let there = r#"{"root": "..", "path": "a.rs", "line_start": 3, "line_end": 4}"#;
        assert_eq!(of(there), Some(Link::new(&file, 3)));
        for without in [
            r#"{"root": "..", "path": "gone.rs", "line_start": 3}"#,
            r#"{"path": "a.rs", "line_start": 3}"#,
            r#"{"root": 1, "path": "a.rs", "line_start": 3}"#,
            r#"{"root": "..", "path": "", "line_start": 3}"#,
            "",
            "words",
        ] {
            assert_eq!(of(without), None, "{without}");
        }
    }
}
