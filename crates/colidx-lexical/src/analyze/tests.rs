use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn terms(analyzer: &str, text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let analyzer = Analyzer::by_name(analyzer).unwrap();
    analyzer.analyze(text, |term| terms.push(term.text.to_owned()));
    terms
}

fn positions(analyzer: &str, text: &str) -> Vec<(String, u32, String)> {
    let mut terms = Vec::new();
    let analyzer = Analyzer::by_name(analyzer).unwrap();
    analyzer.analyze(text, |term| {
        terms.push((
            term.text.to_owned(),
            term.position,
            text[term.bytes].to_owned(),
        ));
    });
    terms
}

#[test]
fn english_is_lucenes() {
    assert_eq!(
        terms(
            "english",
            "The Foxes' dens, the fox’s DEN: running, hopping."
        ),
        ["fox", "den", "fox", "den", "run", "hop"]
    );
    assert_eq!(
        terms("english", "1,000.5 a.b can't x_1"),
        ["1,000.5", "a.b", "can't", "x_1"]
    );
    assert_eq!(
        terms("english", "relational conditional generalizations"),
        ["relat", "condit", "gener"]
    );
    assert_eq!(
        positions("english", "state of the art"),
        [
            ("state".into(), 0, "state".into()),
            ("art".into(), 3, "art".into())
        ]
    );
    assert_eq!(terms("english", "the of and"), [""; 0]);
}

#[test]
fn spellings_of_one_word_are_one_term() {
    assert_eq!(
        terms("plain", "Caf\u{e9} Cafe\u{301} ﬁne ＦＩＮＥ"),
        ["café", "café", "fine", "fine"]
    );
}

#[test]
fn scripts_without_spaces_become_pairs() {
    assert_eq!(terms("plain", "東京都 に"), ["東京", "京都", "に"]);
    assert_eq!(terms("plain", "Rustで検索"), ["rust", "で検", "検索"]);
    assert_eq!(terms("german", "한국어"), ["한국", "국어"]);
    assert_eq!(
        positions("plain", "x 東京都 y"),
        [
            ("x".into(), 0, "x".into()),
            ("東京".into(), 1, "東京".into()),
            ("京都".into(), 2, "京都".into()),
            ("y".into(), 3, "y".into())
        ]
    );
    assert_eq!(terms("english", "東京"), ["東", "京"], "as Lucene");
}

#[test]
fn code_keeps_identifiers_and_their_parts() {
    assert_eq!(
        terms("code", "parseHTTPRequest_v2(x.len)"),
        [
            "parsehttprequest_v2",
            "parse",
            "http",
            "request",
            "v",
            "2",
            "x",
            "len"
        ]
    );
    assert_eq!(terms("code", "__init__ _ foo"), ["__init__", "init", "foo"]);
    assert_eq!(
        positions("code", "getA b"),
        [
            ("geta".into(), 0, "getA".into()),
            ("get".into(), 0, "get".into()),
            ("a".into(), 1, "A".into()),
            ("b".into(), 2, "b".into())
        ]
    );
}

#[test]
fn languages_have_stemmers() {
    assert_eq!(terms("german", "Häuser"), ["haus"]);
    assert_eq!(terms("french", "continuellement"), ["continuel"]);
}

#[test]
fn an_unknown_name_lists_near_ones() {
    let near = |name| Analyzer::by_name(name).unwrap_err().to_string();
    assert!(
        near("englich").contains("did you mean english"),
        "{}",
        near("englich")
    );
    assert!(near("zzzzzzzzzzzz").contains("there are english, plain, code"));
    assert!(Analyzer::stored("plain", 99).is_err());
    assert_eq!(Analyzer::stored("plain", 1), Analyzer::by_name("plain"));
}

#[test]
fn one_word_of_half_a_million_bytes_takes_bounded_time_and_memory() {
    for letter in [
        "a",
        "é",
        "aB_",
        "東",
        "한",
        "ﷺ",
        "e\u{301}",
        "\u{e31}",
        "ส",
        "🇩",
        "👩\u{200d}",
        "a.",
        "İ",
    ] {
        let text = letter.repeat(500_000 / letter.len());
        for analyzer in ["english", "plain", "code", "german"] {
            let started = Instant::now();
            Analyzer::by_name(analyzer).unwrap().analyze(&text, |term| {
                assert!(term.text.len() <= MAX_TERM && !term.text.is_empty());
            });
            let elapsed = started.elapsed();
            assert!(
                elapsed < Duration::from_secs(10),
                "{analyzer} {letter:?} {elapsed:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn terms_are_of_the_text_and_in_order(
        text in "[aAbs1_.'’ \u{300}éßİ漢字ひカｶ한กﷺ🇩🇪👩\u{200d}\\PC]{0,32}",
        which in 0usize..100,
    ) {
        let names: Vec<_> = Analyzer::names().collect();
        let analyzer = Analyzer::by_name(names[which % names.len()]).unwrap();
        let mut position = 0;
        let mut start = 0;
        analyzer.analyze(&text, |term| {
            assert!(!term.text.is_empty() && term.text.len() <= MAX_TERM);
            assert!(term.position >= position);
            assert!(term.bytes.start >= start);
            assert!(text.get(term.bytes.clone()).is_some_and(|bytes| !bytes.is_empty()));
            position = term.position;
            start = term.bytes.start;
        });
    }
}
