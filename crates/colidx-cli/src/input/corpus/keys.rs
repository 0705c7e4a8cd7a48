//! Keys of passages: paths relative to a folder, the same on every system.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::input::{InputError, file_name};

/// The absolute path without `.` and `..`, told from its words alone.
pub(super) fn absolute(path: &Path) -> io::Result<PathBuf> {
    let mut out = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    Ok(out)
}

/// The deepest folder that holds all folders.
pub(super) fn common_folder(folders: &[PathBuf]) -> PathBuf {
    let Some((first, rest)) = folders.split_first() else {
        return PathBuf::new();
    };
    let holds_all = |root: &&Path| rest.iter().all(|folder| folder.starts_with(root));
    first
        .ancestors()
        .find(holds_all)
        .unwrap_or(first)
        .to_owned()
}

/// The path relative to `root`, with `/` between its parts.
pub(super) fn key_path(path: &Path, root: &Path) -> Result<String, InputError> {
    let name = || InputError::FileName {
        file: file_name(path).to_string(),
    };
    let absolute = absolute(path).map_err(|_| name())?;
    let relative = absolute.strip_prefix(root).unwrap_or(&absolute);
    let parts: Option<Vec<&str>> = relative
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Ok(parts.ok_or_else(name)?.join("/"))
}
