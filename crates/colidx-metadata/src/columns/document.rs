//! The fields of one document's metadata.

use super::layout::Kind;
use super::{MAX_DEPTH, MAX_FIELDS, MAX_PATH_BYTES, MetadataError};
use std::borrow::Cow;
use std::collections::HashSet;

/// Refuses metadata that columns cannot hold, and names the field: what is not a JSON object, is
/// nested deeper than [`MAX_DEPTH`], has more than
/// [`MAX_FIELDS`] fields, a path of more than
/// [`MAX_PATH_BYTES`], a number beyond `f64`, or a string that is not
/// Unicode. Empty metadata is good.
pub fn check(metadata: &str) -> Result<(), MetadataError> {
    let mut values = 0;
    walk(metadata, &mut |_, _| {
        values += 1;
        Ok(())
    })?;
    if values <= MAX_FIELDS {
        return Ok(());
    }
    // Values of arrays share a field, so now the fields themselves are counted.
    let mut fields = HashSet::new();
    walk(metadata, &mut |path, _| {
        if fields.contains(path) {
            return Ok(());
        }
        if fields.len() == MAX_FIELDS {
            let (field, max) = (path.into(), MAX_FIELDS);
            return Err(MetadataError::TooManyFields { field, max });
        }
        fields.insert(path.to_owned());
        Ok(())
    })
}

/// Whether metadata that is good has any field.
pub fn has_fields(metadata: &str) -> Result<bool, MetadataError> {
    let mut any = false;
    walk(metadata, &mut |_, _| {
        any = true;
        Ok(())
    })?;
    Ok(any)
}

/// The path of a field by the names of the objects around it and its own. Dots and backslashes in
/// names get a backslash before them, so that no two fields have the same path.
///
/// ```
/// use colidx_metadata::columns::field_path;
/// assert_eq!(field_path(&["author", "name"]), "author.name");
/// assert_eq!(field_path(&["v1.0"]), r"v1\.0");
/// ```
pub fn field_path(names: &[&str]) -> String {
    let mut path = String::new();
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            path.push('.');
        }
        push_name(&mut path, name);
    }
    path
}

fn push_name(path: &mut String, name: &str) {
    if !name.contains(['.', '\\']) {
        return path.push_str(name);
    }
    for c in name.chars() {
        if matches!(c, '.' | '\\') {
            path.push('\\');
        }
        path.push(c);
    }
}

/// Whether every backslash of a path has a dot or a backslash behind it.
pub(super) fn is_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !matches!(bytes.next(), Some(b'.' | b'\\')) {
            return false;
        }
    }
    true
}

/// A value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Null,
    Empty,
    Bool(bool),
    I64(i64),
    F64(f64),
    String(&'a str),
}

impl Scalar<'_> {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Empty => Kind::Empty,
            Self::Bool(false) => Kind::False,
            Self::Bool(true) => Kind::True,
            Self::I64(_) => Kind::I64,
            Self::F64(_) => Kind::F64,
            Self::String(_) => Kind::String,
        }
    }
}

type Visit<'v> = &'v mut dyn FnMut(&str, Scalar<'_>) -> Result<(), MetadataError>;

/// Visits path and value of every field, in the order in which they stand.
pub(super) fn walk(metadata: &str, visit: Visit<'_>) -> Result<(), MetadataError> {
    if metadata.is_empty() {
        return Ok(());
    }
    // The parser checks the syntax, without recursion. It does not read the values: it would round
    // some numbers to a neighbour of the nearest f64, and filters compare exactly.
    serde_json::from_str::<serde::de::IgnoredAny>(metadata).map_err(syntax)?;
    let mut scanner = Scanner {
        text: metadata,
        at: 0,
        path: String::new(),
        depth: 0,
        visit,
    };
    match scanner.peek() {
        b'{' => scanner.object(true),
        _ => Err(MetadataError::NotAnObject),
    }
}

fn syntax(problem: impl ToString) -> MetadataError {
    MetadataError::Syntax {
        problem: problem.to_string(),
    }
}

/// Reads text whose syntax is known to be good.
struct Scanner<'t, 'v> {
    text: &'t str,
    at: usize,
    /// Path of the field at hand.
    path: String,
    /// How many objects and arrays are open.
    depth: usize,
    visit: Visit<'v>,
}

impl<'t> Scanner<'t, '_> {
    /// The next byte that is not white space; 0 at the end.
    fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at += blank;
        rest.get(blank).copied().unwrap_or(0)
    }

    fn value(&mut self) -> Result<(), MetadataError> {
        match self.peek() {
            b'{' => self.object(false),
            b'[' => self.array(),
            b'"' => {
                let string = self.string()?;
                self.found(0, Scalar::String(&string))
            }
            b't' => self.found(4, Scalar::Bool(true)),
            b'f' => self.found(5, Scalar::Bool(false)),
            b'n' => self.found(4, Scalar::Null),
            _ => self.number(),
        }
    }

    fn found(&mut self, length: usize, scalar: Scalar<'_>) -> Result<(), MetadataError> {
        self.at += length;
        (self.visit)(&self.path, scalar)
    }

    fn object(&mut self, outermost: bool) -> Result<(), MetadataError> {
        self.enter()?;
        let length = self.path.len();
        let mut empty = true;
        while self.next(b'}')? {
            empty = false;
            if !outermost {
                self.path.push('.');
            }
            let name = self.string()?;
            push_name(&mut self.path, &name);
            self.check_path()?;
            if self.peek() != b':' {
                return Err(self.lost());
            }
            self.at += 1;
            self.value()?;
            self.path.truncate(length);
        }
        if empty && !outermost {
            self.found(0, Scalar::Empty)?;
        }
        Ok(())
    }

    fn array(&mut self) -> Result<(), MetadataError> {
        self.enter()?;
        let mut empty = true;
        while self.next(b']')? {
            empty = false;
            self.value()?;
        }
        if empty {
            self.found(0, Scalar::Empty)?;
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), MetadataError> {
        if self.depth == MAX_DEPTH {
            let (field, max) = (self.path.clone(), MAX_DEPTH);
            return Err(MetadataError::TooDeep { field, max });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Goes to the next item of an object or array; `false` after its `end`.
    fn next(&mut self, end: u8) -> Result<bool, MetadataError> {
        let mut byte = self.peek();
        if byte == b',' {
            self.at += 1;
            byte = self.peek();
        }
        if byte == 0 {
            return Err(self.lost());
        }
        if byte == end {
            self.at += 1;
            self.depth -= 1;
        }
        Ok(byte != end)
    }

    fn check_path(&self) -> Result<(), MetadataError> {
        if self.path.len() <= MAX_PATH_BYTES {
            return Ok(());
        }
        let (field, max) = (shown(&self.path), MAX_PATH_BYTES);
        Err(MetadataError::PathTooLong { field, max })
    }

    fn string(&mut self) -> Result<Cow<'t, str>, MetadataError> {
        self.peek();
        let raw = self.text.get(self.at..).ok_or_else(|| self.lost())?;
        let mut escaped = false;
        let mut bytes = raw.bytes().enumerate().skip(1);
        let end = loop {
            match bytes.next() {
                Some((end, b'"')) => break end,
                Some((_, b'\\')) => {
                    escaped = true;
                    bytes.next();
                }
                Some(_) => {}
                None => return Err(self.lost()),
            }
        };
        self.at += end + 1;
        if escaped {
            return serde_json::from_str(&raw[..=end])
                .map(Cow::Owned)
                .map_err(|e| syntax(format!("a string at '{}': {e}", shown(&self.path))));
        }
        Ok(Cow::Borrowed(&raw[1..end]))
    }

    fn number(&mut self) -> Result<(), MetadataError> {
        let rest = self.text.get(self.at..).ok_or_else(|| self.lost())?;
        let of_number = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let number = &rest[..rest.find(|c| !of_number(c)).unwrap_or(rest.len())];
        if let Ok(integer) = number.parse() {
            return self.found(number.len(), Scalar::I64(integer));
        }
        let float: f64 = number.parse().map_err(|_| self.lost())?;
        if float.is_infinite() {
            return Err(MetadataError::NumberTooLarge {
                field: self.path.clone(),
                number: shown(number),
            });
        }
        // There is one zero: minus zero plus zero is zero.
        self.found(number.len(), Scalar::F64(float + 0.0))
    }

    fn lost(&self) -> MetadataError {
        syntax(format!("unexpected text at byte {}", self.at))
    }
}

/// How a long text begins.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
