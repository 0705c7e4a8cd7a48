//! Making a directory and those above it, durably.

use std::io;
use std::path::Path;

/// Where folders are made.
pub(super) trait MakeFolders {
    /// Makes one folder in a folder that is there.
    fn make(&mut self, path: &Path) -> io::Result<()>;

    /// Whether a folder is there.
    fn is_folder(&mut self, path: &Path) -> io::Result<bool>;

    /// Makes durable what was made in a folder.
    fn sync(&mut self, path: &Path) -> io::Result<()>;
}

/// Creates a folder and its missing parents. Returns when each new name is durable in its parent;
/// an existing folder is synced too, since the process that created it may have been killed.
pub(super) fn create_all(path: &Path, folders: &mut dyn MakeFolders) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        // The root.
        None => return Ok(()),
    };
    let made = match folders.make(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_all(parent, folders)?;
            folders.make(path)
        }
        made => made,
    };
    match made {
        Ok(()) => folders.sync(parent),
        Err(error) => match folders.is_folder(path) {
            // A parent that may not be read cannot be synced here, but the process that created the
            // folder in it could.
            Ok(true) => match folders.sync(parent) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            },
            _ => Err(error),
        },
    }
}
