//! Resolves the name of an output, following links.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Links that are followed from one name.
pub(super) const LINKS: usize = 40;

/// Where a name leads.
pub(super) enum Destination {
    /// To no file yet.
    New(PathBuf),
    /// To a file, a folder or a device.
    There(PathBuf, Metadata),
    /// To what has this descriptor in this process, or in another.
    Descriptor(Option<u32>, Metadata),
}

/// Follows a name to where its bytes would go. The folder it stands in must be there.
pub(super) fn follow(path: &Path) -> io::Result<Destination> {
    let mut at = std::path::absolute(path)?;
    for _ in 0..LINKS {
        let (Some(folder), Some(name)) = (at.parent(), at.file_name()) else {
            return at
                .metadata()
                .map(|metadata| Destination::There(at, metadata));
        };
        let folder = folder.canonicalize()?;
        if let Some(own) = descriptors(&folder) {
            let number = name.to_str().and_then(|name| name.parse().ok());
            let metadata = at.metadata()?;
            return Ok(Destination::Descriptor(number.filter(|_| own), metadata));
        }
        at = folder.join(name);
        match at.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Destination::New(at));
            }
            Err(error) => return Err(error),
            Ok(metadata) if metadata.is_symlink() => at = folder.join(at.read_link()?),
            Ok(metadata) => return Ok(Destination::There(at, metadata)),
        }
    }
    Err(io::Error::other("too many links lead on from there"))
}

/// Whether the entries of a folder are open descriptors, and if so, whether they are those of this
/// process.
fn descriptors(folder: &Path) -> Option<bool> {
    if folder == Path::new("/dev/fd") {
        return Some(true);
    }
    let process = folder.strip_prefix("/proc").ok()?;
    let own = process.starts_with(std::process::id().to_string());
    (process.file_name()? == "fd").then_some(own)
}

/// A folder with all links followed; the last of its names need not be there yet.
pub(super) fn real_folder(path: &Path, links: usize) -> io::Result<PathBuf> {
    let missing = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && links > 0 => error,
        result => return result,
    };
    let path = std::path::absolute(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(missing);
    };
    let parent = real_folder(parent, links)?;
    match parent.join(name).read_link() {
        Ok(target) => real_folder(&parent.join(target), links - 1),
        Err(_) => Ok(parent.join(name)),
    }
}

#[cfg(unix)]
pub(super) fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
pub(super) fn same_file(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(unix)]
pub(super) fn is_block_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
pub(super) fn is_block_device(_: &Metadata) -> bool {
    false
}
