//! The hash of a file, as announced by the hub.

use std::fmt;
use std::io::{self, Read};

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash that the hub sends as a file's ETag. It names the file's blob in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// SHA-256 of the bytes, for files in large file storage.
    Sha256(String),
    /// SHA-1 of git's blob header and the bytes, for all others.
    GitBlob(String),
}

impl Hash {
    /// Parses the value of an ETag header, strong or weak.
    pub(super) fn of_etag(value: &[u8]) -> Option<Hash> {
        let value = value.strip_prefix(b"W/").unwrap_or(value);
        let inner = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""));
        let text = str::from_utf8(inner.unwrap_or(value)).ok()?;
        match text.len() {
            64 if is_hex(text) => Some(Hash::Sha256(text.to_owned())),
            40 if is_hex(text) => Some(Hash::GitBlob(text.to_owned())),
            _ => None,
        }
    }

    /// The hash of the same kind of `content`, which has `len` bytes.
    pub(super) fn of(&self, content: &mut dyn Read, len: u64) -> io::Result<Hash> {
        Ok(match self {
            Hash::Sha256(_) => Hash::Sha256(digest(Sha256::new(), content)?),
            Hash::GitBlob(_) => {
                let header = format!("blob {len}\0");
                Hash::GitBlob(digest(Sha1::new_with_prefix(header), content)?)
            }
        })
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Hash::Sha256(hex) | Hash::GitBlob(hex)) = self;
        f.write_str(hex)
    }
}

/// Whether `text` consists of lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn digest<D: Digest>(mut state: D, content: &mut dyn Read) -> io::Result<String> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => state.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digest = state.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const GIT: &str = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";

    #[test]
    fn hashes_match_git_and_sha256sum() {
        // `printf hello | sha256sum` and `printf hello | git hash-object --stdin`.
        for hex in [SHA256, GIT] {
            let hash = Hash::of_etag(hex.as_bytes()).unwrap();
            assert_eq!(hash.of(&mut &b"hello"[..], 5).unwrap(), hash);
            assert_ne!(hash.of(&mut &b"hellp"[..], 5).unwrap(), hash);
        }
    }

    #[test]
    fn etags_are_hashes_or_refused() {
        for hex in [SHA256, GIT] {
            for value in [hex.to_owned(), format!("\"{hex}\""), format!("W/\"{hex}\"")] {
                let hash = Hash::of_etag(value.as_bytes()).unwrap();
                assert_eq!(hash.to_string(), hex);
            }
        }
        for value in [
            "",
            "\"",
            "\"\"",
            "W/",
            "abc",
            "..",
            "\"../../../../x\"",
            "..%2f..%2fx",
            "/etc/passwd",
            "..\\..\\x",
            "C:\\x",
            "d41d8cd98f00b204e9800998ecf8427e",
            "d41d8cd98f00b204e9800998ecf8427e-3",
            &GIT.to_uppercase(),
            &format!("{GIT}/"),
            &format!("\"{GIT}"),
            &format!("{GIT}\0"),
            &format!(" {GIT}"),
            &format!("{GIT}{}", "a".repeat(23)),
            &"a".repeat(1 << 16),
            &format!("{}x", "../".repeat(13)),
        ] {
            assert_eq!(Hash::of_etag(value.as_bytes()), None, "{value}");
        }
    }
}
