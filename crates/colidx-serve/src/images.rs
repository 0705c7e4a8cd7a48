//! Images that documents name, from one folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::options::ServeError;

/// Most bytes of an image.
const MOST: u64 = 16 << 20;

/// Bytes of a file, and where they stand.
type Signature = &'static [(usize, &'static [u8])];

/// The kinds that are served, by how their files begin. No other can be taken for an image.
const KINDS: [(&str, Signature); 4] = [
    ("image/png", &[(0, b"\x89PNG\r\n\x1a\n")]),
    ("image/jpeg", &[(0, b"\xff\xd8\xff")]),
    ("image/gif", &[(0, b"GIF8")]),
    ("image/webp", &[(0, b"RIFF"), (8, b"WEBP")]),
];

/// A folder out of which no name leads, not by `..` and not by a link.
pub(crate) struct Images {
    folder: Dir,
    path: PathBuf,
}

/// An image.
pub(crate) struct Image {
    pub kind: &'static str,
    pub bytes: Vec<u8>,
}

/// Why a document's image is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("is not in the folder of images")]
    NotThere(#[from] std::io::Error),
    #[error("is no file")]
    NoFile,
    #[error("has more than {} MiB", MOST >> 20)]
    TooLarge,
    #[error("is neither PNG, JPEG, GIF nor WebP")]
    Kind,
}

impl Images {
    pub fn open(path: &Path) -> Result<Images, ServeError> {
        let failed = |source| ServeError::Folder {
            path: path.to_owned(),
            source,
        };
        Ok(Images {
            folder: Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?,
            path: std::path::absolute(path).map_err(failed)?,
        })
    }

    /// An image by the name that a document has for it: a path below the folder, or an absolute
    /// one that begins with the folder.
    pub fn read(&self, name: &str) -> Result<Image, ImageError> {
        let name = Path::new(name);
        let below = name.strip_prefix(&self.path).unwrap_or(name);
        // Before it is opened, since opening a pipe would wait for who writes to it.
        if !self.folder.metadata(below)?.is_file() {
            return Err(ImageError::NoFile);
        }
        let mut bytes = Vec::new();
        let file = self.folder.open(below)?;
        file.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return Err(ImageError::TooLarge);
        }
        let kind = kind(&bytes).ok_or(ImageError::Kind)?;
        Ok(Image { kind, bytes })
    }
}

fn kind(bytes: &[u8]) -> Option<&'static str> {
    let begins = |marks: &[(usize, &[u8])]| {
        let mut marks = marks.iter();
        marks.all(|(at, mark)| bytes.get(*at..at + mark.len()) == Some(mark))
    };
    let found = KINDS.into_iter().find(|(_, marks)| begins(marks));
    found.map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n...";

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(kind(PNG), Some("image/png"));
        assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind(b"GIF89a"), Some("image/gif"));
        for other in [&b""[..], b"RIFF\0\0\0\0WAVE", b"<svg xmlns=''/>", b"\x89PN"] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("images");
        std::fs::create_dir_all(folder.join("a")).unwrap();
        for name in ["secret.png", "images/one.png", "images/a/two.png"] {
            std::fs::write(around.path().join(name), PNG).unwrap();
        }
        std::fs::write(folder.join("text.png"), "text").unwrap();
        let large = std::fs::File::create(folder.join("large.png")).unwrap();
        large.set_len(MOST + 1).unwrap();
        let images = Images::open(&folder).unwrap();
        for name in ["one.png", "a/two.png", "a/../one.png", "./one.png"] {
            assert_eq!(images.read(name).unwrap().bytes, PNG, "{name}");
        }
        let absolute = folder.join("one.png");
        assert!(images.read(absolute.to_str().unwrap()).is_ok());
        let secret = around.path().join("secret.png");
        let sneaky = folder.join("../secret.png");
        for name in [
            secret.to_str().unwrap(),
            sneaky.to_str().unwrap(),
            "../secret.png",
            "a/../../secret.png",
            "a/../../images/one.png",
            "/etc/passwd",
            "file:///etc/passwd",
            "http://127.0.0.1/one.png",
            "nothing.png",
            "one.png\0",
            "",
        ] {
            let read = images.read(name).map(|image| image.kind);
            assert!(matches!(read, Err(ImageError::NotThere(_))), "{name}");
        }
        assert!(matches!(images.read("a"), Err(ImageError::NoFile)));
        assert!(matches!(images.read("text.png"), Err(ImageError::Kind)));
        assert!(matches!(
            images.read("large.png"),
            Err(ImageError::TooLarge)
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_leave_are_not_followed() {
        use std::os::unix::fs::symlink;
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("images");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(around.path().join("secret.png"), PNG).unwrap();
        std::fs::write(folder.join("one.png"), PNG).unwrap();
        symlink("one.png", folder.join("inside.png")).unwrap();
        symlink("../secret.png", folder.join("outside.png")).unwrap();
        symlink(around.path(), folder.join("up")).unwrap();
        let images = Images::open(&folder).unwrap();
        assert!(images.read("inside.png").is_ok());
        assert!(images.read("outside.png").is_err());
        assert!(images.read("up/secret.png").is_err());
    }
}
