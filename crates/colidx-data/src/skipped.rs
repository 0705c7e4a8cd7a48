//! What a corpus skipped, and why.

use std::collections::BTreeMap;
use std::path::Path;

use crate::counted::counted;

/// Why a name in a folder was not read, or gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SkipReason {
    /// The ending names no format.
    Format,
    /// The ending is one that files of other content have too, such as `.json`.
    SharedEnding,
    /// A PDF, which is read once it is converted to text.
    Pdf,
    /// The file holds bytes that no text has.
    Binary,
    /// Queries that lie beside a corpus.
    Queries,
    /// Judgements that lie beside a corpus.
    Judgements,
    /// The name begins with a dot.
    Hidden,
    /// An ignore file leaves it out, such as `.gitignore`.
    Ignored,
    /// A link that leads nowhere.
    Dangling,
    /// A link that leads out of the folder.
    Outside,
    /// A link to a file or folder that is read anyway.
    Twice,
    /// A pipe, a socket or a device.
    Special,
    /// The file was read and has no documents.
    Empty,
}

impl SkipReason {
    fn of(self, count: u64) -> String {
        let names = |noun| counted(count, noun);
        match self {
            SkipReason::Format => names("file") + " of other formats",
            SkipReason::SharedEnding => {
                names("file") + " of JSON or CSV, read if named or if the format is given"
            }
            SkipReason::Pdf => names("PDF file") + " (`pdftotext` makes text of them)",
            SkipReason::Binary => names("file") + " that is not text",
            SkipReason::Queries => names("name") + " of queries beside the corpus",
            SkipReason::Judgements => names("name") + " of judgements beside the corpus",
            SkipReason::Hidden => names("hidden name"),
            SkipReason::Ignored => names("ignored name"),
            SkipReason::Dangling => names("link") + " to nothing",
            SkipReason::Outside => names("link") + " out of the folder",
            SkipReason::Twice => names("link") + " to what is read anyway",
            SkipReason::Special => names("special file"),
            SkipReason::Empty => names("file") + " without documents",
        }
    }
}

/// How many were left out for each reason, and an example of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped(BTreeMap<SkipReason, (u64, String)>);

impl Skipped {
    pub(crate) fn add(&mut self, reason: SkipReason, path: &str) {
        let (count, _) = self.0.entry(reason).or_insert_with(|| (0, path.to_owned()));
        *count += 1;
    }

    pub(crate) fn add_path(&mut self, reason: SkipReason, path: &Path) {
        self.add(reason, &path.to_string_lossy());
    }

    pub(crate) fn append(&mut self, other: Skipped) {
        for (reason, (count, example)) in other.0 {
            self.0.entry(reason).or_insert((0, example)).0 += count;
        }
    }

    /// How many were left out for a reason.
    pub fn count(&self, reason: SkipReason) -> u64 {
        self.0.get(&reason).map_or(0, |(count, _)| *count)
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each reason.
    pub fn lines(&self) -> Vec<String> {
        let line = |(reason, (count, example)): (&SkipReason, &(u64, String))| {
            format!("skipped: {}, such as {example}", reason.of(*count))
        };
        self.0.iter().map(line).collect()
    }
}
