//! Queries: terms and what a document must hold.

use crate::analyze::{Analyzer, Term};
use crate::error::{Error, Result};
use crate::syntax::{Sign, clauses};
use std::collections::HashMap;
use std::ops::Range;

/// Most different terms of a query.
pub const MAX_QUERY_TERMS: usize = 1 << 14;

/// A term of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTerm {
    /// The term.
    pub text: String,
    /// How often it is in the query: its score counts as often. 0 when it only excludes.
    pub count: u32,
}

/// A phrase: places of terms in the query, and their positions from the first.
pub(crate) type Phrase = Vec<(usize, u32)>;

/// What documents are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    terms: Vec<QueryTerm>,
    /// Each a list of terms that a document must all have.
    pub(crate) required: Vec<Vec<usize>>,
    /// Each a list of terms that a document must not all have.
    pub(crate) excluded: Vec<Vec<usize>>,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) excluded_phrases: Vec<Phrase>,
    k1: f32,
    b: f32,
}

impl Query {
    /// Every word of a text, with no syntax: for questions, and for documents as queries.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyTerms`].
    pub fn words(text: &str, analyzer: &Analyzer) -> Result<Self> {
        let mut builder = Builder::new(analyzer);
        builder.clause(text, Sign::None, false)?;
        Ok(builder.query)
    }

    /// Words and `"phrases"`, each with `+` before it if a document must have it, and `-` if it
    /// must not.
    ///
    /// A document must have every phrase that is not excluded. A word that becomes several terms,
    /// such as `x-ray`, is required or excluded with all of them. A sign with a space after it and
    /// a quote without another mean nothing.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyTerms`].
    pub fn parse(text: &str, analyzer: &Analyzer) -> Result<Self> {
        let mut builder = Builder::new(analyzer);
        for clause in clauses(text) {
            builder.clause(clause.text, clause.sign, clause.is_phrase)?;
        }
        Ok(builder.query)
    }

    /// The terms, in the order in which they first come.
    pub fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// Whether no term can score: the query is empty, or has only stop words or excluded words. It
    /// has no hits then.
    pub fn is_empty(&self) -> bool {
        self.terms.iter().all(|term| term.count == 0)
    }

    /// Whether it can only be answered with positions.
    pub fn needs_positions(&self) -> bool {
        !(self.phrases.is_empty() && self.excluded_phrases.is_empty())
    }

    /// Whether a document may have terms of the query and yet be no hit.
    pub fn demands(&self) -> bool {
        self.requires() || !(self.excluded.is_empty() && self.excluded_phrases.is_empty())
    }

    /// Whether a document must have some word.
    pub fn requires(&self) -> bool {
        !(self.required.is_empty() && self.phrases.is_empty())
    }

    /// How soon more occurrences of a term stop to count; 0.9 unless set.
    pub fn k1(&self) -> f32 {
        self.k1
    }

    /// How much long documents are held back, 0 to 1; 0.4 unless set.
    pub fn b(&self) -> f32 {
        self.b
    }

    /// Sets [`Query::k1`] and [`Query::b`].
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless k1 is 0 to 1000 and b is 0 to 1.
    pub fn with_settings(mut self, k1: f32, b: f32) -> Result<Self> {
        let setting = |name, expected, got| {
            Err(Error::Setting {
                name,
                expected,
                got,
            })
        };
        if !(0.0..=1000.0).contains(&k1) {
            return setting("k1", "0 to 1000", k1);
        }
        if !(0.0..=1.0).contains(&b) {
            return setting("b", "0 to 1", b);
        }
        (self.k1, self.b) = (k1, b);
        Ok(self)
    }

    /// Calls `visit` with the place in [`Query::terms`] and the bytes of every word of a text that
    /// is a term of the query and not excluded: what to highlight.
    pub fn matches(
        &self,
        text: &str,
        analyzer: &Analyzer,
        mut visit: impl FnMut(usize, Range<usize>),
    ) {
        let scored = self
            .terms
            .iter()
            .enumerate()
            .filter(|(_, term)| term.count > 0);
        let places: HashMap<_, _> = scored.map(|(at, term)| (&term.text[..], at)).collect();
        analyzer.analyze(text, |term| {
            if let Some(&at) = places.get(term.text) {
                visit(at, term.bytes);
            }
        });
    }
}

struct Builder<'a> {
    analyzer: &'a Analyzer,
    places: HashMap<String, usize>,
    query: Query,
}

impl<'a> Builder<'a> {
    fn new(analyzer: &'a Analyzer) -> Self {
        Self {
            analyzer,
            places: HashMap::new(),
            query: Query {
                terms: Vec::new(),
                required: Vec::new(),
                excluded: Vec::new(),
                phrases: Vec::new(),
                excluded_phrases: Vec::new(),
                k1: 0.9,
                b: 0.4,
            },
        }
    }

    fn clause(&mut self, text: &str, sign: Sign, phrase: bool) -> Result<()> {
        let mut places = Vec::new();
        let mut first = None;
        let scores = sign != Sign::Excluded;
        self.analyzer.analyze(text, |term| {
            let from_first = term.position - *first.get_or_insert(term.position);
            let place = self.add(&term, scores);
            // Without syntax nobody asks for the places, which could be many.
            if phrase || sign != Sign::None {
                places.push((place, from_first));
            }
        });
        if self.query.terms.len() > MAX_QUERY_TERMS {
            return Err(Error::TooManyTerms {
                max: MAX_QUERY_TERMS,
                got: self.query.terms.len(),
            });
        }
        if places.is_empty() {
            return Ok(());
        }
        let query = &mut self.query;
        if phrase && places.len() > 1 {
            match sign {
                Sign::Excluded => query.excluded_phrases.push(places),
                _ => query.phrases.push(places),
            }
            return Ok(());
        }
        let mut places: Vec<usize> = places.into_iter().map(|(place, _)| place).collect();
        places.sort_unstable();
        places.dedup();
        match sign {
            Sign::Excluded => query.excluded.push(places),
            _ => query.required.push(places),
        }
        Ok(())
    }

    fn add(&mut self, term: &Term<'_>, scores: bool) -> usize {
        let terms = &mut self.query.terms;
        let place = match self.places.get(term.text) {
            Some(&place) => place,
            None => {
                terms.push(QueryTerm {
                    text: term.text.into(),
                    count: 0,
                });
                self.places.insert(term.text.into(), terms.len() - 1);
                terms.len() - 1
            }
        };
        let count = &mut terms[place].count;
        *count = count.saturating_add(u32::from(scores));
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Query {
        Query::parse(text, &Analyzer::by_name("english").unwrap()).unwrap()
    }

    fn terms(query: &Query) -> Vec<(&str, u32)> {
        let terms = query.terms().iter();
        terms.map(|term| (&term.text[..], term.count)).collect()
    }

    #[test]
    fn words_count_and_order_stays() {
        let query = parse("red fox, red FOXES and the dog");
        assert_eq!(terms(&query), [("red", 2), ("fox", 2), ("dog", 1)]);
        assert!(query.required.is_empty() && query.phrases.is_empty());
    }

    #[test]
    fn signs_and_phrases_are_clauses() {
        let query = parse(r#"+fox -dog "red hen" -"blue hen" x-ray +x-ray -the + - "#);
        assert_eq!(
            terms(&query),
            [
                ("fox", 1),
                ("dog", 0),
                ("red", 1),
                ("hen", 1),
                ("blue", 0),
                ("x", 2),
                ("rai", 2)
            ]
        );
        assert_eq!(query.required, [vec![0], vec![5, 6]]);
        assert_eq!(query.excluded, [vec![1]]);
        assert_eq!(query.phrases, [[(2, 0), (3, 1)]]);
        assert_eq!(query.excluded_phrases, [[(4, 0), (3, 1)]]);
    }

    #[test]
    fn a_phrase_keeps_the_places_of_stop_words() {
        let query = parse(r#""state of the art" "fox" "#);
        assert_eq!(query.phrases, [[(0, 0), (1, 3)]]);
        assert_eq!(query.required, [vec![2]], "one word is no phrase");
    }

    #[test]
    fn without_terms_a_query_is_empty() {
        for text in ["", "the of", "-fox", "\"\"", "\" + -"] {
            assert!(parse(text).is_empty(), "{text}");
        }
        assert!(!parse("\"fox").is_empty(), "a quote without another");
    }

    #[test]
    fn long_queries_are_bounded() {
        let analyzer = Analyzer::by_name("plain").unwrap();
        let same = "word ".repeat(100_000);
        assert_eq!(
            terms(&Query::words(&same, &analyzer).unwrap()),
            [("word", 100_000)]
        );
        let letters = "x".repeat(1_000_000);
        assert_eq!(
            Query::parse(&letters, &analyzer).unwrap().terms()[0]
                .text
                .len(),
            255
        );
        let different: String = (0..10_000).map(|i| format!("w{i} ")).collect();
        assert_eq!(
            Query::words(&different, &analyzer).unwrap().terms().len(),
            10_000
        );
        let different: String = (0..100_000).map(|i| format!("w{i} ")).collect();
        let refused = Query::words(&different, &analyzer);
        assert!(matches!(
            refused,
            Err(Error::TooManyTerms { got: 100_000, .. })
        ));
        let phrases = "-\"a b\" ".repeat(100_000);
        Query::parse(&phrases, &analyzer).unwrap();
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for (k1, b) in [(-1.0, 0.4), (f32::NAN, 0.4), (0.9, 1.1), (0.9, f32::NAN)] {
            assert!(parse("x").with_settings(k1, b).is_err());
        }
    }

    #[test]
    fn matches_are_the_words_of_the_text() {
        let analyzer = Analyzer::by_name("english").unwrap();
        let query = parse("foxes run -dog");
        let text = "The fox was Running from the dog.";
        let mut words = Vec::new();
        query.matches(text, &analyzer, |at, bytes| words.push((at, &text[bytes])));
        assert_eq!(words, [(0, "fox"), (1, "Running")]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "[+\\-\" abé\\PC]{0,40}") {
            let query = parse(&text);
            let places = query.required.iter().chain(&query.excluded).flatten();
            prop_assert!(places.max().is_none_or(|&place| place < query.terms.len()));
        }
    }
}
