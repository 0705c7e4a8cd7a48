//! From text to terms.
//!
//! An analyzer has a name and a version. Both are stored with its terms, since terms of
//! one analyzer are not found with those of another. The version rises when any text would give
//! other terms, be it by this code, by the stemmer or by the tables of Unicode.

mod code;
mod normalize;
#[cfg(test)]
mod tests;
mod unspaced;
mod words;

use crate::error::{Error, Result};
use frostem::{Algorithm, Stemmer};
use normalize::{cut, is_stop_word, normalize, without_possessive};
use std::fmt;
use std::ops::Range;

pub use normalize::MAX_TERM;

/// Stemmers that no analyzer is named after: `english` is Lucene's, with the first of them.
const NOT_NAMES: [&str; 5] = [
    "porter",
    "english",
    "lovins",
    "earlymodernenglish",
    "dutch_porter",
];

/// A term of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term<'a> {
    /// The term, at most [`MAX_TERM`] bytes, not empty.
    pub text: &'a str,
    /// Which word of the text it is. Words that are left out count.
    pub position: u32,
    /// The bytes of the text that it was made of, on the boundaries of characters.
    pub bytes: Range<usize>,
}

/// Cuts text into terms. See the [README](crate) for what each analyzer does.
#[derive(Clone, Copy)]
pub struct Analyzer {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    English(Stemmer),
    Plain,
    Code,
    Stemmed(Stemmer),
}

impl Analyzer {
    /// The analyzer of a name: `english`, `plain`, `code`, or a language, such as `german`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAnalyzer`] lists names like it.
    pub fn by_name(name: &str) -> Result<Self> {
        let (name, kind) = match name {
            "english" => ("english", Kind::English(Stemmer::new(Algorithm::Porter))),
            "plain" => ("plain", Kind::Plain),
            "code" => ("code", Kind::Code),
            _ => {
                let language = languages().find(|language| language.name() == name);
                let language = language.ok_or_else(|| unknown(name))?;
                (language.name(), Kind::Stemmed(Stemmer::new(language)))
            }
        };
        Ok(Self { name, kind })
    }

    /// The analyzer that wrote an index.
    ///
    /// # Errors
    ///
    /// As [`Analyzer::by_name`]; [`Error::AnalyzerVersion`] when this program has another version.
    pub fn stored(name: &str, version: u32) -> Result<Self> {
        let analyzer = Self::by_name(name)?;
        if analyzer.version() != version {
            return Err(Error::AnalyzerVersion {
                name: name.into(),
                expected: analyzer.version(),
                got: version,
            });
        }
        Ok(analyzer)
    }

    /// Names of all analyzers.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let own = ["english", "plain", "code"].into_iter();
        own.chain(languages().map(Algorithm::name))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its version.
    pub fn version(&self) -> u32 {
        1
    }

    /// Calls `visit` with every term of a text, in order of position. Takes time in proportion to
    /// the text and memory for one term.
    pub fn analyze(&self, text: &str, mut visit: impl FnMut(Term<'_>)) {
        let mut terms = Terms {
            text,
            term: String::new(),
            position: 0,
            visit: &mut visit,
        };
        match self.kind {
            Kind::English(stemmer) => {
                words::words(text, &mut |word| terms.english(word, stemmer));
            }
            Kind::Plain => terms.unspaced(words::words, |terms, word| terms.word(word, None)),
            Kind::Stemmed(stemmer) => {
                terms.unspaced(words::words, |terms, word| terms.word(word, Some(stemmer)));
            }
            Kind::Code => terms.unspaced(code::identifiers, Terms::identifier),
        }
    }
}

impl fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.version())
    }
}

impl PartialEq for Analyzer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Makes terms of words.
struct Terms<'t, V> {
    text: &'t str,
    term: String,
    position: u32,
    visit: &'t mut V,
}

impl<V: FnMut(Term<'_>)> Terms<'_, V> {
    fn english(&mut self, word: Range<usize>, stemmer: Stemmer) {
        // A word cut short keeps what would be a possessive.
        let whole = cut(&self.text[word.clone()]);
        let without = without_possessive(whole);
        normalize(without, &mut self.term);
        if is_stop_word(&self.term) {
            self.position = self.position.saturating_add(1);
        } else {
            self.emit(word, Some(stemmer));
        }
    }

    fn word(&mut self, word: Range<usize>, stemmer: Option<Stemmer>) {
        normalize(&self.text[word.clone()], &mut self.term);
        self.emit(word, stemmer);
    }

    /// An identifier, and then its parts, the first at its position.
    fn identifier(&mut self, word: Range<usize>) {
        let (text, position) = (self.text, self.position);
        let mut is_whole = false;
        let mut first = true;
        code::parts(text, word.clone(), &mut |part| {
            is_whole = part == word;
            if std::mem::take(&mut first) && !is_whole {
                self.word(word.clone(), None);
                self.position = position;
            }
            self.word(part, None);
        });
    }

    /// Passes the parts of words that are written with spaces to `word`, and makes pairs of the
    /// others.
    fn unspaced(
        &mut self,
        words: fn(&str, &mut dyn FnMut(Range<usize>)),
        mut word: impl FnMut(&mut Self, Range<usize>),
    ) {
        let text = self.text;
        let mut run = 0..0;
        words(text, &mut |range: Range<usize>| {
            if text[range.clone()].is_ascii() {
                self.pairs(std::mem::take(&mut run));
                word(self, range);
                return;
            }
            unspaced::parts(text, range, |part, is_unspaced| {
                if is_unspaced && run.end == part.start && !run.is_empty() {
                    run.end = part.end;
                    return;
                }
                self.pairs(std::mem::take(&mut run));
                if is_unspaced {
                    run = part;
                } else {
                    word(self, part);
                }
            });
        });
        self.pairs(run);
    }

    fn pairs(&mut self, run: Range<usize>) {
        if !run.is_empty() {
            unspaced::pairs(self.text, run, |pair| self.word(pair, None));
        }
    }

    fn emit(&mut self, bytes: Range<usize>, stemmer: Option<Stemmer>) {
        let stem = stemmer.map(|stemmer| stemmer.stem(&self.term));
        let text = stem.as_deref().map_or(&self.term[..], cut);
        if !text.is_empty() {
            (self.visit)(Term {
                text,
                position: self.position,
                bytes,
            });
        }
        self.position = self.position.saturating_add(1);
    }
}

fn languages() -> impl Iterator<Item = Algorithm> {
    let all = Algorithm::all().iter().copied();
    all.filter(|algorithm| !NOT_NAMES.contains(&algorithm.name()))
}

fn unknown(name: &str) -> Error {
    let close =
        |other: &&str| other.starts_with(name) && !name.is_empty() || distance(name, other) < 3;
    let mut near: Vec<_> = Analyzer::names().filter(close).collect();
    let mut lead = "did you mean";
    if near.is_empty() {
        near = Analyzer::names().collect();
        lead = "there are";
    }
    Error::UnknownAnalyzer {
        name: name.chars().take(64).collect(),
        near: format!("{lead} {}", near.join(", ")),
    }
}

/// The number of letters to insert, delete or replace (Levenshtein); large for long names.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return a.len();
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
