//! Texts and queries at the limits of what words are: nothing is lost, answers are honest, and what
//! is refused is named.

mod common;

use colidx_core::*;
use common::live;
use std::collections::BTreeSet;

/// An index of these texts by key, in two segments.
fn index(texts: &[(&str, &str)], analyzer: &str) -> Index {
    let directory = Directory::memory();
    let options = BuildOptions::default()
        .dim(live::DIM)
        .analyzer(Analyzer::by_name(analyzer).unwrap());
    let mut writer = IndexWriter::create_in(&directory, options).unwrap();
    for (at, (key, text)) in texts.iter().enumerate() {
        let vectors = live::vectors(key);
        let document = NewDocument::new(key).text(text);
        writer.add_vectors(document, &vectors, &[]).unwrap();
        if at == 0 {
            writer.commit(&mut NoVectors, &NoProgress).unwrap();
        }
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    for (key, text) in texts {
        let doc = index.find(key).unwrap().unwrap();
        assert!(index.document(doc).unwrap().text == *text, "{key}");
    }
    index
}

fn all() -> SearchOptions {
    SearchOptions::default().k(100)
}

/// The keys of what a search by words finds.
fn keys(index: &Index, query: &WordQuery) -> BTreeSet<String> {
    let hits = index.search_words(query, &all()).unwrap().hits;
    assert!(
        hits.iter()
            .all(|hit| hit.score.is_finite() && hit.score > 0.0)
    );
    hits.into_iter().map(|hit| hit.key).collect()
}

#[track_caller]
fn finds(index: &Index, query: &str, expected: &[&str]) {
    let found = keys(index, &WordQuery::parse(query));
    let short: String = query.chars().take(50).collect();
    assert!(found.iter().eq(expected), "{short}: {found:?}");
}

#[test]
fn a_word_of_a_million_letters_and_a_million_words_are_found() {
    let long = "x".repeat(1_000_000);
    let other = format!("{}y", &long[1..]);
    let many = "word ".repeat(1_000_000);
    let different: String = (0..100_000).map(|n| format!("w{n} ")).collect();
    let texts = [
        ("different", &different[..]),
        ("long", &long),
        ("many", &many),
        ("other", &other),
        ("short", "word"),
    ];
    let index = index(&texts, "english");
    // Only the first letters of such a word count, for texts and queries alike.
    finds(&index, &long, &["long", "other"]);
    finds(&index, &"x".repeat(254), &[]);
    finds(&index, "word", &["many", "short"]);
    finds(&index, "\"word word\"", &["many"]);
    finds(&index, &format!("\"{}\"", "word ".repeat(1000)), &["many"]);
    finds(&index, "+w99999 +w0 -word", &["different"]);
    finds(&index, "\"w99998 w99999\"", &["different"]);
    finds(&index, "\"w99999 w99998\"", &[]);
    let query = WordQuery::words(&many);
    assert!(keys(&index, &query).iter().eq(["many", "short"]));
    for query in [WordQuery::words(&different), WordQuery::parse(&different)] {
        let error = index.search_words(&query, &all()).unwrap_err();
        assert!(matches!(error, Error::Words(_)), "{error}");
        assert!(error.to_string().contains("16384"), "{error}");
    }
}

#[test]
fn texts_and_queries_without_a_word_have_no_hits_by_words() {
    let texts = [
        ("empty", ""),
        ("marks", "... !? --- \"\" + -"),
        ("other", "fox"),
        ("stop", "the of and"),
        ("zero", "\0\u{1}\u{200b}\u{feff}"),
    ];
    let index = index(&texts, "english");
    let vectors = Query::new(&live::vectors("stop"), live::DIM).unwrap();
    for query in [
        "",
        " ",
        "the of and",
        "\"the of\"",
        "+the",
        "-fox",
        "...",
        "+ - \" \"\"",
        "\0",
    ] {
        finds(&index, query, &[]);
        // Vectors answer alone.
        let query = WordQuery::parse(query);
        for (fusion, count) in [
            (Fusion::default(), 5 - usize::from(query.text() == "-fox")),
            (Fusion::Rerank, 0),
        ] {
            let hits = index.search_hybrid(&vectors, &query, fusion, &all());
            let hits = hits.unwrap().hits;
            assert_eq!(hits.len(), count, "{query:?}");
            assert!(hits.first().is_none_or(|hit| hit.key == "stop"));
        }
    }
    finds(&index, "\"fox", &["other"]);
    finds(&index, "fox -the -\"of and\"", &["other"]);
}

#[test]
fn words_of_any_script_are_found() {
    let texts = [
        ("arabic", "محرك بحث سريع"),
        ("combined", "cafe\u{301} noir"),
        ("emoji", "👩\u{200d}👧 party"),
        ("han", "全文検索エンジン"),
        ("thai", "เครื่องมือค้นหา"),
    ];
    let index = index(&texts, "plain");
    for (query, key) in [
        ("بحث", "arabic"),
        ("\"بحث سريع\"", "arabic"),
        ("CAFÉ", "combined"),
        ("PARTY", "emoji"),
        ("検索", "han"),
        ("เครื่องมือค้นหา", "thai"),
    ] {
        finds(&index, query, &[key]);
        let query = WordQuery::parse(query);
        let doc = index.find(key).unwrap().unwrap();
        let text = index.document(doc).unwrap().text;
        for found in index.explain_words(&query, doc).unwrap() {
            assert!(!found.text.is_empty(), "{query:?}: {found:?}");
            assert!(
                found
                    .text
                    .iter()
                    .all(|range| text.get(range.clone()).is_some())
            );
        }
    }
}

#[test]
fn settings_and_indexes_that_cannot_answer_are_refused() {
    let good = index(&[("fox", "fox")], "code");
    for (k1, b) in [
        (-1.0, 0.4),
        (f32::INFINITY, 0.4),
        (0.9, -0.1),
        (0.9, f32::NAN),
    ] {
        let query = WordQuery::words("fox").settings(k1, b);
        assert!(matches!(
            good.search_words(&query, &all()),
            Err(Error::Words(_))
        ));
    }
    for (k1, b) in [(0.0, 0.0), (1000.0, 1.0)] {
        let query = WordQuery::words("fox").settings(k1, b);
        assert!(keys(&good, &query).iter().eq(["fox"]));
    }
    let directory = Directory::memory();
    let options = BuildOptions::default().dim(live::DIM).analyzer(None);
    let mut writer = IndexWriter::create_in(&directory, options).unwrap();
    let document = NewDocument::new("fox").text("fox");
    writer
        .add_vectors(document, &live::vectors("fox"), &[])
        .unwrap();
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
    let without = Index::open_in(&directory).unwrap();
    let refused = without.search_words(&WordQuery::words("fox"), &all());
    assert!(matches!(refused, Err(Error::NoWords { .. })));
}
