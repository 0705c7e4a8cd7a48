//! Files of a folder and the folders in it, in a fixed order.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

use super::folder::{companion, is_collection};
use super::format::Format;
use crate::error::InputError;
use crate::files::unreadable;
use crate::skipped::{SkipReason, Skipped};

/// Yields the files under a folder: entries of each folder in the order of their names, hidden ones
/// left out. Without a format these are the files whose ending names one; with a format, which the
/// caller chose for all files, all of them. Beside a corpus, queries and judgements are left out.
/// Holds the names of the folders on the way down.
///
/// A link is followed where it stays within the folder and leads to what is not read anyway, so
/// that nothing comes from elsewhere, nothing comes twice, and no loop is without end.
pub(super) struct Walk {
    levels: Vec<vec::IntoIter<PathBuf>>,
    /// The folder, its own links followed.
    root: PathBuf,
    format: Option<Format>,
    /// Targets of the links followed so far.
    followed: HashSet<PathBuf>,
    /// What was skipped.
    pub(super) skipped: Skipped,
}

impl Walk {
    pub(super) fn new(folder: &Path, format: Option<Format>) -> Result<Walk, InputError> {
        let mut walk = Walk {
            levels: Vec::new(),
            root: folder.canonicalize().map_err(|e| unreadable(folder, e))?,
            format,
            followed: HashSet::new(),
            skipped: Skipped::default(),
        };
        walk.enter(folder)?;
        Ok(walk)
    }

    fn enter(&mut self, folder: &Path) -> Result<(), InputError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            let entry = entry.map_err(|e| unreadable(folder, e))?;
            if is_hidden(entry.file_name().as_encoded_bytes()) {
                self.skipped.add_path(SkipReason::Hidden, &entry.path());
            } else {
                found.push(entry.path());
            }
        }
        found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        if is_collection(&found) {
            found.retain(|path| match companion(path) {
                None => true,
                Some(reason) => {
                    self.skipped.add_path(reason, path);
                    false
                }
            });
        }
        self.levels.push(found.into_iter());
        Ok(())
    }

    /// Whether to read a file, judging by its name; if not, why.
    fn wants(&self, path: &Path) -> Result<(), SkipReason> {
        match (self.format, Format::of_path(path)) {
            (Some(_), _) => Ok(()),
            (None, Some(format)) if format.read_in_folders(path) => Ok(()),
            (None, Some(_)) => Err(SkipReason::SharedEnding),
            (None, None) => Err(SkipReason::Format),
        }
    }

    /// Whether to follow a link; if not, why.
    fn follows(&mut self, link: &Path) -> Result<(), SkipReason> {
        let target = link.canonicalize().map_err(|_| SkipReason::Dangling)?;
        let inside = target
            .strip_prefix(&self.root)
            .map_err(|_| SkipReason::Outside)?;
        let mut parts = inside.components();
        let hidden = parts.any(|part| is_hidden(part.as_os_str().as_encoded_bytes()));
        let read_anyway = !hidden && (target.is_dir() || self.wants(&target).is_ok());
        if read_anyway || !self.followed.insert(target) {
            return Err(SkipReason::Twice);
        }
        Ok(())
    }

    /// Enters a folder, or returns whether to read a file, or the reason to skip a name.
    fn visit(&mut self, path: &Path) -> Result<Result<bool, SkipReason>, InputError> {
        if path.is_symlink()
            && let Err(reason) = self.follows(path)
        {
            return Ok(Err(reason));
        }
        let metadata = fs::metadata(path).map_err(|e| unreadable(path, e))?;
        if metadata.is_dir() {
            self.enter(path)?;
            return Ok(Ok(false));
        }
        if !metadata.is_file() {
            return Ok(Err(SkipReason::Special));
        }
        Ok(self.wants(path).map(|()| true))
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
            match self.visit(&path) {
                Err(error) => return Some(Err(error)),
                Ok(Ok(true)) => return Some(Ok(path)),
                Ok(Ok(false)) => {}
                Ok(Err(reason)) => self.skipped.add_path(reason, &path),
            }
        }
    }
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
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
            "c.json",
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
            ["a/b/c.markdown", "a/z.txt", "b.md", "c.jsonl", "d.md.gz"].map(PathBuf::from)
        );
        let counts = [
            SkipReason::Format,
            SkipReason::SharedEnding,
            SkipReason::Hidden,
        ]
        .map(|r| walk.skipped.count(r));
        assert_eq!(counts, [1, 1, 2]);
        // A chosen format holds for every file.
        let found: Vec<_> = Walk::new(root, Some(Format::TEXT))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let all = [
            "a/b/c.markdown",
            "a/z.txt",
            "a.png",
            "b.md",
            "c.json",
            "c.jsonl",
            "d.md.gz",
        ];
        assert_eq!(found, all.map(|name| root.join(name)));
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_within_the_folder_and_nothing_comes_twice() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret.txt"), "x").unwrap();
        let root = outer.path().join("folder");
        for path in [
            "a.md",
            "sub/b.md",
            ".store/c.md",
            ".store/deep/d.md",
            "blob",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        for (target, link) in [
            // Out of the folder, by any way.
            ("../secret.txt", "out1.txt"),
            ("/etc", "out2"),
            ("sub/../../secret.txt", "out3.txt"),
            ("../..", "sub/out4"),
            // To nothing.
            ("nowhere", "nothing.md"),
            ("self.md", "self.md"),
            // To what is read anyway, or was.
            (".", "loop"),
            ("../", "sub/up"),
            ("a.md", "link.md"),
            ("../a.md", "sub/link.md"),
            ("deep", ".store/again"),
            (".", ".store/loop"),
            // To what is not.
            (".store", "store"),
            ("blob", "blob.txt"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        // Many folders that all link to each other are each read once.
        for from in 0..12 {
            fs::create_dir(root.join(format!("n{from}"))).unwrap();
            fs::write(root.join(format!("n{from}/x.md")), "x").unwrap();
            for to in 0..12 {
                symlink(format!("../n{to}"), root.join(format!("n{from}/l{to}"))).unwrap();
            }
        }
        let mut walk = Walk::new(&root, None).unwrap();
        let found: Vec<_> = walk.by_ref().map(Result::unwrap).collect();
        let found = found.iter().map(|path| path.strip_prefix(&root).unwrap());
        let found: Vec<&Path> = found.collect();
        let (many, few): (Vec<&Path>, Vec<&Path>) =
            found.iter().partition(|path| path.ends_with("x.md"));
        assert_eq!(many.len(), 12);
        let expected = [
            "a.md",
            "blob.txt",
            "store/again/d.md",
            "store/c.md",
            "store/deep/d.md",
            "sub/b.md",
        ];
        assert_eq!(few, expected.map(Path::new));
        let counts = [SkipReason::Outside, SkipReason::Dangling, SkipReason::Twice]
            .map(|r| walk.skipped.count(r));
        assert_eq!(counts, [4, 2, 5 + 144]);
    }
}
