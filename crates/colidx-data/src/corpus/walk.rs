//! Files of a folder and the folders in it, in a fixed order.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::folder::{companion, is_collection, is_known_not_to_be_text, is_pdf};
use super::format::Format;
use super::options::CorpusOptions;
use crate::error::InputError;
use crate::files::unreadable;
use crate::skipped::{SkipReason, Skipped};

/// Yields the files under a folder: entries of each folder in the order of their names. Hidden
/// names, and those that ignore files leave out, are passed over unless the caller wants them.
/// Without a format, files whose ending says that they are no text are passed over too. Beside a
/// corpus, queries and judgements are left out. Holds the names of the folders on the way down.
///
/// A link is followed where it stays within the folder and leads to what is not read anyway, so
/// that nothing comes from elsewhere, nothing comes twice, and no loop is without end.
pub(super) struct Walk {
    /// The walk of the folder, and those of the links on the way down.
    walks: Vec<ignore::Walk>,
    levels: Vec<Level>,
    /// A folder beside a corpus that is passed over.
    passed: Option<PathBuf>,
    /// The folder, its own links followed.
    root: PathBuf,
    rules: Rules,
    /// Targets of the links followed so far.
    followed: HashSet<PathBuf>,
    /// What was skipped.
    pub(super) skipped: Skipped,
}

/// What the caller wants of a folder.
#[derive(Clone, Copy)]
struct Rules {
    format: Option<Format>,
    hidden: bool,
    ignore_files: bool,
}

/// A folder on the way down.
struct Level {
    folder: PathBuf,
    /// Whether it is a corpus with queries and judgements beside it.
    collection: bool,
    /// Names in it that did not come: later ones, and at the end those that were left out.
    left: BTreeSet<OsString>,
}

/// What to do with an entry.
enum Step {
    Read,
    Enter,
    Follow,
    Skip(SkipReason),
}

impl Walk {
    pub(super) fn new(folder: &Path, options: &CorpusOptions) -> Result<Walk, InputError> {
        let rules = Rules {
            format: options.format,
            hidden: options.hidden,
            ignore_files: options.ignore_files,
        };
        let root = folder.canonicalize().map_err(|e| unreadable(folder, e))?;
        if rules.ignore_files {
            root.ancestors().try_for_each(check_ignore_files)?;
        }
        Ok(Walk {
            walks: vec![rules.walk(folder)],
            levels: Vec::new(),
            passed: None,
            root,
            rules,
            followed: HashSet::new(),
            skipped: Skipped::default(),
        })
    }

    fn enter(&mut self, folder: &Path) -> Result<(), InputError> {
        let mut left = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            let entry = entry.map_err(|e| unreadable(folder, e))?;
            if self.rules.ignore_files && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                check_ignore_files(&entry.path())?;
            }
            left.insert(entry.file_name());
        }
        let shown: Vec<&OsString> = left.iter().filter(|name| !is_hidden(name)).collect();
        self.levels.push(Level {
            folder: folder.to_owned(),
            collection: is_collection(&shown),
            left,
        });
        Ok(())
    }

    /// Leaves the folders that do not hold the next entry, and counts what did not come of them.
    fn leave(&mut self, next: Option<&Path>) {
        while let Some(level) = self.levels.pop_if(|level| next != Some(&level.folder)) {
            for name in level.left {
                let reason = match is_hidden(&name) && !self.rules.hidden {
                    true => SkipReason::Hidden,
                    false => SkipReason::Ignored,
                };
                self.skipped.add_path(reason, &level.folder.join(name));
            }
        }
    }

    fn visit(&mut self, entry: &DirEntry) -> Result<Step, InputError> {
        let path = entry.path();
        if entry.depth() == 0 {
            return Ok(Step::Enter);
        }
        if let Some(level) = self.levels.last_mut() {
            level.left.remove(entry.file_name());
            if level.collection
                && let Some(reason) = companion(path)
            {
                self.passed = Some(path.to_owned());
                return Ok(Step::Skip(reason));
            }
        }
        let is_link = entry.path_is_symlink();
        if is_link && let Err(reason) = self.follows(path) {
            return Ok(Step::Skip(reason));
        }
        let metadata = fs::metadata(path).map_err(|e| unreadable(path, e))?;
        Ok(if metadata.is_dir() && is_link {
            Step::Follow
        } else if metadata.is_dir() {
            Step::Enter
        } else if !metadata.is_file() {
            Step::Skip(SkipReason::Special)
        } else {
            self.rules
                .wants(path)
                .map_or_else(Step::Skip, |()| Step::Read)
        })
    }

    /// Whether to follow a link; if not, why.
    fn follows(&mut self, link: &Path) -> Result<(), SkipReason> {
        let target = link.canonicalize().map_err(|_| SkipReason::Dangling)?;
        let inside = target
            .strip_prefix(&self.root)
            .map_err(|_| SkipReason::Outside)?;
        let mut parts = inside.components();
        let hidden = !self.rules.hidden && parts.any(|part| is_hidden(part.as_os_str()));
        let read_anyway = !hidden && (target.is_dir() || self.rules.wants(&target).is_ok());
        if read_anyway || !self.followed.insert(target) {
            return Err(SkipReason::Twice);
        }
        Ok(())
    }

    fn step(&mut self, entry: &DirEntry) -> Result<Option<PathBuf>, InputError> {
        let path = entry.path();
        if self
            .passed
            .as_ref()
            .is_some_and(|passed| path.starts_with(passed))
        {
            return Ok(None);
        }
        if entry.depth() > 0 {
            self.leave(path.parent());
        }
        match self.visit(entry)? {
            Step::Read => return Ok(Some(path.to_owned())),
            Step::Enter => self.enter(path)?,
            Step::Follow => {
                check_ignore_files(path)?;
                self.walks.push(self.rules.walk(path));
            }
            Step::Skip(reason) => self.skipped.add_path(reason, path),
        }
        Ok(None)
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = match self.walks.last_mut()?.next() {
                Some(Ok(entry)) => self.step(&entry).transpose(),
                Some(Err(error)) => Some(Err(fault(&self.root, error))),
                None => {
                    self.walks.pop();
                    if self.walks.is_empty() {
                        self.leave(None);
                    }
                    None
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Rules {
    fn walk(&self, folder: &Path) -> ignore::Walk {
        let ignores = self.ignore_files;
        WalkBuilder::new(folder)
            .hidden(!self.hidden)
            .parents(ignores)
            .ignore(ignores)
            .git_ignore(ignores)
            .git_exclude(ignores)
            .git_global(ignores)
            // An unpacked archive has ignore files too.
            .require_git(false)
            // What git keeps for itself is no source.
            .filter_entry(move |entry| {
                !ignores || entry.depth() == 0 || entry.file_name() != ".git"
            })
            .sort_by_file_name(OsStr::cmp)
            .build()
    }

    /// Whether to read a file, judging by its name; if not, why.
    fn wants(&self, path: &Path) -> Result<(), SkipReason> {
        match (self.format, Format::of_path(path)) {
            (Some(_), _) => Ok(()),
            (None, Some(format)) if format.read_in_folders(path) => Ok(()),
            (None, Some(_)) => Err(SkipReason::SharedEnding),
            (None, None) if is_pdf(path) => Err(SkipReason::Pdf),
            (None, None) if is_known_not_to_be_text(path) => Err(SkipReason::Format),
            (None, None) => Ok(()),
        }
    }
}

/// Refuses a folder whose ignore file a walk would wait for, as for a pipe, or that is too large to
/// hold.
fn check_ignore_files(folder: &Path) -> Result<(), InputError> {
    const LARGEST: u64 = 1 << 20;
    for name in [".ignore", ".gitignore", ".git/info/exclude"] {
        let file = folder.join(name);
        let reason = match fs::metadata(&file) {
            Ok(found) if found.is_file() && found.len() > LARGEST => "it is larger than 1 MiB",
            Ok(found) if !found.is_file() && !found.is_dir() => "it is no regular file",
            _ => continue,
        };
        let reason = io::Error::new(io::ErrorKind::InvalidInput, reason);
        return Err(unreadable(&file, reason));
    }
    Ok(())
}

/// The error of a walk with the path that it is about.
fn fault(root: &Path, error: ignore::Error) -> InputError {
    let path = path_of(&error).unwrap_or(root).to_owned();
    let message = error.to_string();
    let source = error.into_io_error();
    unreadable(&path, source.unwrap_or_else(|| io::Error::other(message)))
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        _ => None,
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests;
