//! Plain text.

use super::format::FormatInfo;
use super::passage_reader::PassageReader;
use super::passages::Syntax;

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "text",
    title: "text",
    endings: &["txt", "text", "rst"],
    shared_endings: &[],
    help: "plain text, split into passages at blank lines",
    open: |file, options| PassageReader::boxed(file, Syntax::Text, options),
    parser: None,
};
