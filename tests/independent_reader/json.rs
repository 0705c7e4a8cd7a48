//! Section 11, "Fields": what metadata have. Written by hand, as parsers of JSON drop names that
//! come twice and may round numbers.

use std::collections::BTreeSet;

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// One of the kinds that are values themselves, by number.
    Kind(usize),
    Integer(i64),
    /// A float's bits.
    Float(u64),
    String(String),
}

impl Value {
    pub fn float(x: f64) -> Self {
        Self::Float(x.to_bits())
    }

    /// Whether it comes before another in a column.
    pub fn less(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a < b,
            (Self::Float(a), Self::Float(b)) => f64::from_bits(*a) < f64::from_bits(*b),
            (Self::String(a), Self::String(b)) => a.as_bytes() < b.as_bytes(),
            _ => false,
        }
    }
}

/// Triples of path, value and document.
pub type Fields = BTreeSet<(String, Value, usize)>;

/// Adds the fields of a document's metadata, and returns how many paths it has.
pub fn fields(metadata: &str, document: usize, found: &mut Fields) -> usize {
    if metadata.is_empty() {
        return 0;
    }
    let mut parser = Parser {
        rest: metadata,
        path: String::new(),
        found: Vec::new(),
    };
    parser.value(true, 1);
    assert_eq!(parser.peek(), None);
    let paths: BTreeSet<&String> = parser.found.iter().map(|(path, _)| path).collect();
    let paths = paths.len();
    let triples = parser.found.into_iter();
    found.extend(triples.map(|(path, value)| (path, value, document)));
    paths
}

struct Parser<'t> {
    rest: &'t str,
    path: String,
    found: Vec<(String, Value)>,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.chars().next()
    }

    fn skip(&mut self, text: &str) {
        self.peek();
        self.rest = self.rest.strip_prefix(text).unwrap();
    }

    fn add(&mut self, value: Value) {
        self.found.push((self.path.clone(), value));
    }

    fn value(&mut self, outermost: bool, depth: usize) {
        match self.peek().unwrap() {
            '{' => self.items(outermost, depth, ["{", "}"]),
            '[' => self.items(outermost, depth, ["[", "]"]),
            '"' => {
                let string = self.string();
                self.add(Value::String(string));
            }
            'n' => self.word("null", 0),
            'f' => self.word("false", 2),
            't' => self.word("true", 3),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, kind: usize) {
        self.skip(word);
        self.add(Value::Kind(kind));
    }

    /// An object or array.
    fn items(&mut self, outermost: bool, depth: usize, [open, close]: [&str; 2]) {
        assert!(depth <= 32);
        self.skip(open);
        let length = self.path.len();
        let mut empty = true;
        while !self.rest.trim_start().starts_with(close) {
            if !empty {
                self.skip(",");
            }
            empty = false;
            if open == "{" {
                let name = self.string().replace('\\', "\\\\").replace('.', "\\.");
                self.path += if outermost { "" } else { "." };
                self.path += &name;
                assert!(self.path.len() <= 1024);
                self.skip(":");
            }
            self.value(false, depth + 1);
            self.path.truncate(length);
        }
        self.skip(close);
        if empty && !outermost {
            self.add(Value::Kind(1));
        }
    }

    fn string(&mut self) -> String {
        self.peek();
        let mut escaped = false;
        let end = self.rest[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (string, rest) = self.rest.split_at(end.unwrap() + 2);
        self.rest = rest;
        serde_json::from_str(string).unwrap()
    }

    fn number(&mut self) {
        let of_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let end = self.rest.find(|c| !of_number(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        let integer = !number.contains(['.', 'e', 'E']);
        self.add(match number.parse() {
            Ok(number) if integer => Value::Integer(number),
            _ => {
                let float: f64 = number.parse().unwrap();
                assert!(float.is_finite());
                Value::float(if float == 0.0 { 0.0 } else { float })
            }
        });
    }
}
