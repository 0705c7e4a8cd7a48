//! Files of a folder and the folders in it, in a fixed order.

use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

use super::error::InputError;
use super::source::{Format, file_name};

/// Yields the files under a folder whose extension names a wanted format: entries of each folder in the order of
/// their names, hidden ones left out, links to folders not followed. Holds the names of the folders on the way down.
pub(crate) struct Walk {
    levels: Vec<vec::IntoIter<PathBuf>>,
    wanted: Vec<Format>,
    /// Files that were left out because of their extension.
    pub(crate) skipped: u64,
}

impl Walk {
    /// Without `format`, text and Markdown are wanted.
    pub(crate) fn new(folder: &Path, format: Option<Format>) -> Result<Walk, InputError> {
        let wanted = format.map_or_else(
            || vec![Format::Text, Format::Markdown],
            |format| vec![format],
        );
        Ok(Walk {
            levels: vec![entries(folder)?.into_iter()],
            wanted,
            skipped: 0,
        })
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(path) = self.levels.last_mut()?.next() else {
                self.levels.pop();
                continue;
            };
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // A link that leads nowhere.
                Err(_) if path.is_symlink() => {
                    self.skipped += 1;
                    continue;
                }
                Err(source) => {
                    return Some(Err(InputError::Unreadable {
                        file: file_name(&path).to_string(),
                        source,
                    }));
                }
            };
            if metadata.is_dir() {
                if path.is_symlink() {
                    self.skipped += 1;
                    continue;
                }
                match entries(&path) {
                    Ok(found) => self.levels.push(found.into_iter()),
                    Err(error) => return Some(Err(error)),
                }
            } else if metadata.is_file()
                && Format::of_path(&path).is_some_and(|format| self.wanted.contains(&format))
            {
                return Some(Ok(path));
            } else {
                self.skipped += 1;
            }
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable = |source| InputError::Unreadable {
        file: file_name(folder).to_string(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push(entry.path());
        }
    }
    found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "b.md",
            "a/z.txt",
            "a/.hidden.md",
            ".git/x.md",
            "a/b/c.markdown",
            "a.png",
            "c.jsonl",
            "d.md.gz",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let mut walk = Walk::new(root, None).unwrap();
        let found: Vec<_> = walk
            .by_ref()
            .map(|path| path.unwrap().strip_prefix(root).unwrap().to_owned())
            .collect();
        assert_eq!(
            found,
            ["a/b/c.markdown", "a/z.txt", "b.md", "d.md.gz"].map(PathBuf::from)
        );
        assert_eq!(walk.skipped, 2);
        let found: Vec<_> = Walk::new(root, Some(Format::Jsonl))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(found, [root.join("c.jsonl")]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_cannot_loop() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.md"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        std::os::unix::fs::symlink(
            folder.path().join("nowhere"),
            folder.path().join("dangling.md"),
        )
        .unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.md"), folder.path().join("link.md"))
            .unwrap();
        let mut walk = Walk::new(folder.path(), None).unwrap();
        assert_eq!(walk.by_ref().filter(Result::is_ok).count(), 2);
        assert_eq!(walk.skipped, 2);
    }
}
