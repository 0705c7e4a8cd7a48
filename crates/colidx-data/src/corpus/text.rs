//! Plain text.

use super::format::FormatInfo;
use super::passage_reader::PassageReader;
use super::passages::Syntax;

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "text",
    title: "text",
    endings: &["txt", "text", "rst", "adoc", "asciidoc", "org", "tex"],
    shared_endings: &[],
    names: &[
        "readme",
        "license",
        "licence",
        "copying",
        "notice",
        "authors",
        "changelog",
        "changes",
        "news",
        "todo",
        "install",
    ],
    help: "plain text, split into passages at blank lines",
    open: |file, options| PassageReader::boxed(file, Syntax::Text, options),
    parser: None,
};
