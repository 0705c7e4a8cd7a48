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
