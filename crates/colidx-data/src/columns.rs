//! What the columns of tables are called in the collections of the field: BEIR, MS MARCO, TREC,
//! Pyserini and ir_datasets.

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
