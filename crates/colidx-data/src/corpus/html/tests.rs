use std::io::Cursor;

use crate::corpus::{Corpus, CorpusOptions, Document, Format};

fn read(page: &str, options: CorpusOptions) -> Vec<Document> {
    let bytes = Cursor::new(page.as_bytes().to_vec());
    let corpus = Corpus::from_reader(bytes, "page.html", Format::HTML, options).unwrap();
    // A page without words is no document.
    corpus.filter_map(Result::ok).collect()
}

/// Pages, and title and text of what they give.
#[test]
fn what_a_reader_sees_is_the_text() {
    for (page, title, text) in [
        (
            "<title>A\n page</title><p>One.<p>Two.",
            "A page",
            "One.\n\nTwo.",
        ),
        (
            "<html><head><title>T</title></head><body>x</body></html>",
            "T",
            "x",
        ),
        ("plain words", "", "plain words"),
        (
            "a &lt;b&gt; &amp; c&nbsp;d &eacute;&#x2014;&#8364;",
            "",
            "a <b> & c d é—€",
        ),
        ("<b>bo</b>ld <i>x</i>", "", "bold x"),
        ("one<br>two<br/>three", "", "one\ntwo\nthree"),
        ("<ul><li>a<li>b</ul>c", "", "a\nb\n\nc"),
        (
            "<h1>Head</h1>text<h2>Sub</h2>more",
            "",
            "Head\n\ntext\n\nSub\n\nmore",
        ),
        (
            "<table><tr><td>a<td>b<tr><td>c<td>d</table>",
            "",
            "a b\nc d",
        ),
        (
            "<pre>fn a() {\n    b();\n}</pre>",
            "",
            "fn a() {\n    b();\n}",
        ),
        ("words   in\n   a\tline", "", "words in\na line"),
        (
            "<script>if (a < b) { '</p>' }</script><style>p {}</style>x",
            "",
            "x",
        ),
        ("<SCRIPT>a</SCRIPT>x<noscript>y</noscript>", "", "x"),
        ("<svg><title>icon</title></svg><title>T</title>x", "T", "x"),
        (
            "<!-- not this --><!doctype html><p title='nor this'>x",
            "",
            "x",
        ),
        ("<textarea>a <b></textarea>", "", "a <b>"),
        // XML.
        (
            "<?xml version='1.0'?><html><head><title/><script src='a'/></head><p>x</p></html>",
            "",
            "x",
        ),
        (
            "<?xml version='1.0'?><title>T</title><script>a<b>c</b></script><p>x<br/>y</p>",
            "T",
            "x\ny",
        ),
        // Tag soup.
        ("<p><b>a<i>b</p>c</b></i></div></p>d", "", "ab\n\nc\n\nd"),
        ("a < b > c <3 d </", "", "a < b > c <3 d"),
        ("<p unclosed 'x", "", ""),
        ("x<script>never closed", "", "x"),
    ] {
        let documents = read(page, CorpusOptions::new());
        let found = documents.first();
        let found = found.map_or(("", ""), |found| (&found.title, &found.text));
        assert_eq!(found, (title, text), "{page}");
    }
}

#[test]
fn passages_of_a_page_have_its_title_and_their_lines() {
    let page =
        "<title>T</title>\n<p>one two\nthree</p>\n\n<!-- \n\n -->\n<p>four five<br>\nsix</p>\n";
    let found = read(page, CorpusOptions::new().passage_words(4));
    let found: Vec<_> = found
        .iter()
        .map(|found| {
            let lines =
                ["line_start", "line_end"].map(|name| found.metadata[name].as_u64().unwrap());
            (&*found.key, &*found.title, &*found.text, lines)
        })
        .collect();
    let expected = [
        ("page.html#1", "T", "one two\nthree", [2, 3]),
        ("page.html#2", "T", "four five\nsix", [8, 9]),
    ];
    assert_eq!(found, expected);
}

/// Tables, and what the passages of up to 6 words hold.
#[test]
fn every_passage_of_a_table_has_its_header() {
    let rows = "<tr><td>a<td>1 2<tr><td>b<td>3 4<tr><td>c<td>5 6";
    let spread = "<tr>\n<th>key</th>\n<th>value</th>\n</tr>\n<tr>\n<td>a</td>\n<td>1 2</td>\n</tr>\n\
        <tr><td>b<td>3 4<tr><td>c<td>5 6";
    let expected = ["key value\na 1 2", "key value\nb 3 4", "key value\nc 5 6"];
    for table in [
        format!("<tr><th>key<th>value{rows}"),
        format!("<thead><tr><td>key<td>value</thead><tbody>{rows}</tbody>"),
        spread.to_owned(),
    ] {
        let page = format!("<table>{table}</table><p>text after it");
        let found = read(&page, CorpusOptions::new().passage_words(6));
        let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(
            texts,
            [&expected[..], &["text after it"]].concat(),
            "{table}"
        );
    }
    // Header cells beside data are no header, and a row of headers further down is a row.
    let page = "<table><tr><th>a<td>1 2<tr><th>b<td>3 4<tr><th>x<th>y z</table>";
    let found = read(page, CorpusOptions::new().passage_words(6));
    let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
    assert_eq!(texts, ["a 1 2\nb 3 4", "x y z"]);
    // A table in a table has a header of its own.
    let page = "<table><tr><td>out<tr><td><table><tr><th>k v<tr><td>1 2<tr><td>3 4</table>\
        <tr><td>end</table>";
    let found = read(page, CorpusOptions::new().passage_words(4));
    let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
    assert_eq!(texts, ["out\n\nk v", "k v\n1 2", "k v\n3 4", "end"]);
}

/// Pages that are made to break readers: each is read in bounded time and memory.
#[test]
fn hostile_pages_are_read() {
    let deep = "<div>".repeat(200_000) + "x";
    let tables = "<table><tr><td>".repeat(50_000);
    let entities = "&amp;&#0;&#xD800;&#x110000;&NoSuch;&".repeat(20_000);
    let attributes = format!("<p {}>x", "a=b ".repeat(200_000));
    let comments = "<!--".repeat(100_000) + "-->x";
    let title = format!(
        "<title>{}</title>{}",
        "w ".repeat(500_000),
        "x y. ".repeat(2_000)
    );
    let raw = "<script>".repeat(100_000) + "</script>x";
    let broken = "</".repeat(100_000) + "<![CDATA[ ]]><?php ?>\0\u{1b}";
    for page in [
        deep, tables, entities, attributes, comments, title, raw, broken,
    ] {
        for document in read(&page, CorpusOptions::new()) {
            assert!(document.title.len() < 1_000 && document.text.len() < 20_000);
        }
    }
    let options = CorpusOptions::new().line_limit(1_000);
    let page = Cursor::new("<p>x\n".repeat(1_000));
    let mut corpus = Corpus::from_reader(page, "page.html", Format::HTML, options).unwrap();
    let error = corpus.next().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("the page is longer than 1000 bytes"),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn no_page_is_refused(pieces in proptest::collection::vec("<[a-z!/?-]{0,6}|>|[ a-z&;#'\"=\n]{0,9}|</?(p|pre|script|title|svg|td|br)>", 0..60)) {
        let page = pieces.concat();
        let lines = page.lines().count() as u64;
        for document in read(&page, CorpusOptions::new()) {
            let end = document.metadata["line_end"].as_u64().unwrap_or(0);
            proptest::prop_assert!((1..=lines).contains(&end), "{:?}", document);
        }
    }
}
