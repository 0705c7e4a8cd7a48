//! What the columns of tables and the fields of JSON are called in the collections of the field:
//! BEIR, MS MARCO, TREC, Pyserini and ir_datasets.

/// The key of a document or query. Names are compared as [`normal`] writes them.
pub(crate) const KEY: &[&str] = &[
    "id",
    "docid",
    "documentid",
    "docno",
    "did",
    "pid",
    "passageid",
    "psgid",
    "corpusid",
    "articleid",
    "paperid",
    "cordid",
    "docidentifier",
    "identifier",
    "uid",
    "key",
    "qid",
    "queryid",
    "questionid",
    "topicid",
    "topic",
    "number",
    "num",
];

/// The text of a document; the first that is there counts.
pub(crate) const DOCUMENT_TEXT: &[&str] = &[
    "text",
    "contents",
    "content",
    "body",
    "passage",
    "passagetext",
    "paragraph",
    "psg",
    "document",
    "documenttext",
    "doctext",
    "rawtext",
    "raw",
    "doc",
    "abstract",
    "sentence",
    "query",
    "question",
];

/// The text of a query; the first that is there counts. The title of a TREC topic is its query.
pub(crate) const QUERY_TEXT: &[&str] = &[
    "query",
    "querytext",
    "question",
    "text",
    "utterance",
    "contents",
    "content",
    "title",
    "description",
    "desc",
    "sentence",
    "passage",
];

/// The title of a document.
pub(crate) const TITLE: &[&str] = &[
    "title",
    "headline",
    "heading",
    "name",
    "subject",
    "doctitle",
    "documenttitle",
    "pagetitle",
    "articletitle",
];

/// The query of a judgement.
pub(crate) const JUDGED_QUERY: &[&str] =
    &["queryid", "qid", "query", "topic", "topicid", "questionid"];

/// The document of a judgement.
pub(crate) const JUDGED_DOCUMENT: &[&str] = &[
    "corpusid",
    "docid",
    "documentid",
    "docno",
    "pid",
    "passageid",
    "psgid",
    "document",
    "doc",
    "did",
];

/// The relevance of a judgement.
pub(crate) const RELEVANCE: &[&str] = &[
    "score",
    "relevance",
    "relevancy",
    "rel",
    "label",
    "grade",
    "relevancescore",
    "judgement",
    "judgment",
    "qrel",
    "rating",
];

/// Columns of a judgement that mean nothing.
pub(crate) const ITERATION: &[&str] = &["iteration", "iter", "q0", "unused", "zero"];

/// A name without case, marks and spaces: `Doc-ID`, `doc_id` and `docid` are one.
pub(crate) fn normal(name: &str) -> String {
    let letters = name.chars().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The column with a usual name, the first of the names that is there.
pub(crate) fn find(columns: &[String], names: &[&str]) -> Option<usize> {
    let at = |name: &&str| columns.iter().position(|column| column == name);
    names.iter().find_map(at)
}

/// Whether a text can be the name of a column: one word of letters, digits and marks that begins
/// with a letter, or any usual name.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.trim().trim_start_matches('#');
    let word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    let begins = text.starts_with(|char: char| char.is_alphabetic() || char == '_');
    begins && text.chars().count() <= 40 && text.chars().all(word) || is_usual(text)
}

/// Whether any kind of table has a column of that name.
fn is_usual(text: &str) -> bool {
    let name = normal(text);
    [
        KEY,
        DOCUMENT_TEXT,
        QUERY_TEXT,
        TITLE,
        JUDGED_QUERY,
        JUDGED_DOCUMENT,
        RELEVANCE,
        ITERATION,
    ]
    .iter()
    .any(|names| names.contains(&name.as_str()))
}

/// The first few names, quoted, for a message.
pub(crate) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let count = names.len();
    if count == 0 {
        return "no fields".to_owned();
    }
    let quote = |name: &str| format!("{:?}", name.chars().take(40).collect::<String>());
    let mut shown: Vec<String> = names.take(SHOWN).map(quote).collect();
    if count > SHOWN {
        shown.push(format!("{} more", count - SHOWN));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    use crate::corpus::{Corpus, CorpusOptions, Format};
    use crate::{Judgements, QueryOptions, Run, read_queries_from};

    /// The guide's page of formats; `None` outside of the repository.
    fn guide() -> Option<String> {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/formats.md");
        std::fs::read_to_string(page).ok()
    }

    /// A section, from its heading to the next of its level or above.
    fn section<'a>(page: &'a str, heading: &str) -> &'a str {
        let begin = page.find(&format!("\n{heading}")).expect(heading) + 1;
        let level = heading.bytes().take_while(|&byte| byte == b'#').count();
        let body = &page[begin + heading.len()..];
        let ends = |line: &str| {
            let marks = line.bytes().take_while(|&byte| byte == b'#').count();
            marks > 0 && marks <= level && line[marks..].starts_with(' ')
        };
        let mut end = 0;
        for line in body.split_inclusive('\n') {
            if end > 0 && ends(line) {
                break;
            }
            end += line.len();
        }
        &page[begin..begin + heading.len() + end]
    }

    /// The names in the row of a table.
    fn row(section: &str, name: &str) -> BTreeSet<String> {
        let mark = format!("| {name} | ");
        let line = section.lines().find_map(|line| line.strip_prefix(&mark));
        let names = line.expect(&mark).trim_end_matches([' ', '|']).split(", ");
        names.map(normal).collect()
    }

    /// The indented blocks of a section.
    fn examples(section: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for line in section.lines() {
            match (line.strip_prefix("    "), found.last_mut()) {
                (Some(line), Some(last)) => *last += &format!("{line}\n"),
                // A blank line within an example.
                (None, Some(last)) if line.is_empty() && !last.is_empty() => *last += "\n",
                (None, Some(last)) if !last.is_empty() => found.push(String::new()),
                _ => {}
            }
        }
        let texts = found.iter().map(|text| text.trim_end().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn the_guide_names_the_columns_that_are_read() {
        let Some(page) = guide() else { return };
        let (tsv, queries) = (section(&page, "### TSV"), section(&page, "## Queries"));
        let judgements = section(&page, "## Judgements");
        let those_of_a_corpus = normal("and those of a corpus");
        let mut keys = row(queries, "key");
        assert!(keys.remove(&those_of_a_corpus));
        keys.extend(row(tsv, "key"));
        for (what, told, read) in [
            ("keys", keys, KEY),
            ("texts", row(tsv, "text"), DOCUMENT_TEXT),
            ("titles", row(tsv, "title"), TITLE),
            ("queries", row(queries, "text"), QUERY_TEXT),
            ("judged queries", row(judgements, "query"), JUDGED_QUERY),
            (
                "judged documents",
                row(judgements, "document"),
                JUDGED_DOCUMENT,
            ),
            ("relevance", row(judgements, "relevance"), RELEVANCE),
            ("iteration", row(judgements, "not used"), ITERATION),
        ] {
            let read: BTreeSet<String> = read.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(told, read, "{what}");
        }
    }

    /// The forms of text, and where the guide speaks of each.
    const FORMATS: [(Format, &str); 7] = [
        (Format::JSONL, "### JSON Lines"),
        (Format::TSV, "### TSV"),
        (Format::CSV, "### CSV"),
        (Format::TEXT, "### Text"),
        (Format::MARKDOWN, "### Markdown"),
        (Format::CODE, "### Source code"),
        (Format::HTML, "### HTML"),
    ];

    #[test]
    fn the_guide_names_the_endings_that_are_read() {
        let Some(page) = guide() else { return };
        // The guide names no ending of source code: there are hundreds.
        let named = FORMATS.iter().filter(|(format, _)| *format != Format::CODE);
        for (format, heading) in named {
            let section = section(&page, heading);
            for ending in format.endings() {
                assert!(
                    section.contains(&format!("`.{ending}`")),
                    "{heading}: .{ending}"
                );
            }
        }
    }

    /// Every example of the guide is read, as what its section says.
    #[test]
    fn the_examples_of_the_guide_are_read() {
        let Some(page) = guide() else { return };
        for &(format, heading) in &FORMATS {
            let examples = examples(section(&page, heading));
            assert!(!examples.is_empty(), "{heading}");
            for example in examples {
                let reader = std::io::Cursor::new(example.clone());
                let corpus = Corpus::from_reader(reader, "x", format, CorpusOptions::new());
                let documents: Result<Vec<_>, _> = corpus.unwrap().collect();
                let documents = documents.unwrap();
                assert_eq!(documents.len(), 1, "{example}");
                // Plain text and code have no title of their own.
                let titled = format != Format::TEXT && format != Format::CODE;
                assert_eq!(!documents[0].title.is_empty(), titled, "{example}");
            }
        }
        let queries = examples(section(&page, "## Queries"));
        assert_eq!(queries.len(), 2);
        for (example, format) in queries.into_iter().zip([Format::JSONL, Format::TSV]) {
            let reader = std::io::Cursor::new(example);
            let queries = read_queries_from(reader, "x", format, &QueryOptions::new()).unwrap();
            assert_eq!((queries.len(), &*queries[0].key), (1, "q1"));
        }
        let judgements = examples(section(&page, "## Judgements"));
        assert_eq!(judgements.len(), 4);
        for example in judgements {
            let read = Judgements::from_reader(std::io::Cursor::new(example.clone()), "x");
            let read = read.unwrap();
            let (query, judged) = read.queries().next().unwrap();
            assert_eq!((query, judged.get("d1")), ("q1", Some(&1.0)), "{example}");
        }
        for example in examples(section(&page, "## Runs")) {
            let run = Run::from_reader(std::io::Cursor::new(example), "x").unwrap();
            assert_eq!(run.ranking("q1")[0].0, "d1");
        }
    }
}
