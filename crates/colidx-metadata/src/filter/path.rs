//! Paths of fields, as SQL writes them.
//!
//! A path is names with dots between; a dot or a backslash within a name stands behind a backslash.
//! In SQL, a name in double quotes is one name, whatever it has in it.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::Field;
use super::lexer::Keyword;

pub(super) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

pub(super) fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Adds a name to a path.
pub(super) fn push_name(path: &mut String, name: &str) {
    for c in name.chars() {
        if matches!(c, '.' | '\\') {
            path.push('\\');
        }
        path.push(c);
    }
}

/// The names of a path. A backslash before anything but a dot and a backslash stands for itself.
fn names(path: &str) -> Vec<Cow<'_, str>> {
    let (mut names, mut start) = (Vec::new(), 0);
    let mut chars = path.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '.' => {
                names.push(unescaped(&path[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.push(unescaped(&path[start..]));
    names
}

fn unescaped(name: &str) -> Cow<'_, str> {
    if !name.contains('\\') {
        return name.into();
    }
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = chars.next_if(|next| c == '\\' && matches!(next, '.' | '\\'));
        out.push(escaped.unwrap_or(c));
    }
    out.into()
}

/// As SQL writes it: names that are not plain words stand in double quotes.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if Keyword::of(&self.path).is_some() {
            return write!(f, "\"{}\"", self.path);
        }
        for (at, name) in names(&self.path).into_iter().enumerate() {
            if at > 0 {
                f.write_char('.')?;
            }
            let starts_plain = at > 0 || name.starts_with(is_name_start);
            if starts_plain && !name.is_empty() && name.chars().all(is_name_part) {
                f.write_str(&name)?;
            } else {
                write!(f, "\"{}\"", name.replace('"', "\"\""))?;
            }
        }
        Ok(())
    }
}
