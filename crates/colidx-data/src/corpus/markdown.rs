//! Markdown.

use super::format::FormatInfo;
use super::passage_reader::PassageReader;
use super::passages::Syntax;

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "markdown",
    title: "Markdown",
    endings: &["md", "markdown"],
    shared_endings: &[],
    names: &[],
    help: "Markdown, split into passages at headings and blank lines",
    open: |file, options| PassageReader::boxed(file, Syntax::Markdown, options),
    parser: None,
};
