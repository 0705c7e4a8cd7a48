//! Keys of passages: paths relative to a folder, the same on every system.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::InputError;
use crate::files::unreadable;

/// The absolute path without `.` and `..`, resolved lexically.
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

/// The relative path from one folder to another, found lexically; the absolute path of the other
/// where there is none, as between two drives.
pub(super) fn way(from: &Path, to: &Path) -> io::Result<String> {
    let (from, to) = (absolute(from)?, absolute(to)?);
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return Ok(to.to_string_lossy().into_owned());
    }
    let up = from.components().skip(shared).map(|_| "..".into());
    let down = to.components().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    Ok(up.chain(down).collect::<Vec<String>>().join("/"))
}

/// The path relative to `root`, with `/` between its parts. Bytes that are not UTF-8 are written as
/// in `%E9`.
pub(super) fn key_path(path: &Path, root: &Path) -> Result<String, InputError> {
    let absolute = absolute(path).map_err(|source| unreadable(path, source))?;
    let relative = absolute.strip_prefix(root).unwrap_or(&absolute);
    let mut key = String::new();
    for (at, part) in relative.components().enumerate() {
        if at > 0 {
            key.push('/');
        }
        for chunk in part.as_os_str().as_encoded_bytes().utf8_chunks() {
            key.push_str(chunk.valid());
            let escaped = chunk.invalid().iter().map(|byte| format!("%{byte:02X}"));
            key.extend(escaped);
        }
    }
    Ok(key)
}
