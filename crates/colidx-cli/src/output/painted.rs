//! Styled text that contains no escape codes but our own.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use super::harmless;

/// Text that is safe to print: input is made harmless before it is styled.
///
/// Standard output accepts several lines only as this type, so that no text bypasses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Painted(String);

impl Painted {
    /// Nothing yet.
    pub fn new() -> Painted {
        Painted::default()
    }

    /// Appends text, its line feeds included.
    pub fn push(&mut self, text: &str) {
        self.0.push_str(&harmless::lines(text));
    }

    /// Appends text in the style of an ECMA-48 code.
    pub fn push_in(&mut self, code: &'static str, text: &str) {
        self.0.push_str("\x1b[");
        self.0.push_str(code);
        self.0.push('m');
        self.push(text);
        self.0.push_str("\x1b[0m");
    }

    /// Appends styled text as a link (OSC 8), as terminals open on a click.
    pub fn push_link(&mut self, link: &Link, text: &Painted) {
        self.0.push_str("\x1b]8;;");
        self.0.push_str(&link.0);
        self.0.push_str("\x1b\\");
        self.append(text);
        self.0.push_str("\x1b]8;;\x1b\\");
    }

    /// Appends styled text.
    pub fn append(&mut self, other: &Painted) {
        self.0.push_str(&other.0);
    }
}

/// The address of a line of a file, of nothing but harmless characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// For an absolute path and a line.
    pub fn new(path: &Path, line: u64) -> Link {
        let mut uri = "file://".to_owned();
        for &byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte.into()),
                byte if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
                b'\\' if cfg!(windows) => uri.push('/'),
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        Link(format!("{uri}#{line}"))
    }
}

impl From<&str> for Painted {
    fn from(text: &str) -> Painted {
        Painted(harmless::lines(text).into_owned())
    }
}

impl Deref for Painted {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Painted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<&str> for Painted {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_codes_stay() {
        let mut painted = Painted::from("a\x1b[5m");
        painted.push_in("1", "b\x1b[5m\n");
        let rest = Painted::from("c");
        painted.append(&rest);
        assert_eq!(painted, "a\\u{1b}[5m\x1b[1mb\\u{1b}[5m\n\x1b[0mc");
    }

    #[test]
    fn links_hold_no_codes_of_a_path() {
        let link = Link::new(Path::new("/a b/\x1b]8;;x\x1b\\/ö.rs"), 7);
        let mut painted = Painted::new();
        painted.push_link(&link, &Painted::from("key\x1b"));
        let address = "file:///a%20b/%1B%5D8%3B%3Bx%1B%5C/%C3%B6.rs#7";
        assert_eq!(
            &*painted,
            format!("\x1b]8;;{address}\x1b\\key\\u{{1b}}\x1b]8;;\x1b\\")
        );
    }
}
