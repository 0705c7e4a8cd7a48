//! What of a corpus was left out, and why.

use std::collections::BTreeMap;
use std::path::Path;

use super::source::file_name;
use crate::counted::counted;

/// Why a name in a folder was not read, or gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The extension names no wanted format.
    Format,
    /// `.json` is JSON Lines only where someone says so: in most folders it is something else.
    Json,
    /// The name begins with a dot.
    Hidden,
    /// A link that leads nowhere.
    Dangling,
    /// A link that leads out of the folder.
    Outside,
    /// A link to what is read without it.
    Twice,
    /// A pipe, a socket or a device.
    Special,
    /// The file was read and has no documents.
    Empty,
}

impl Reason {
    fn of(self, count: u64) -> String {
        match self {
            Reason::Format => counted(count, "file") + " of other formats",
            Reason::Json => {
                counted(count, "file") + " of JSON, read where named or with --format jsonl"
            }
            Reason::Hidden => counted(count, "hidden name"),
            Reason::Dangling => counted(count, "link") + " to nothing",
            Reason::Outside => counted(count, "link") + " out of the folder",
            Reason::Twice => counted(count, "link") + " to what is read anyway",
            Reason::Special => counted(count, "special file"),
            Reason::Empty => counted(count, "file") + " without documents",
        }
    }
}

/// How many were left out for each reason, and an example of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped(BTreeMap<Reason, (u64, String)>);

impl Skipped {
    pub(crate) fn add(&mut self, reason: Reason, path: &str) {
        let (count, _) = self.0.entry(reason).or_insert_with(|| (0, path.to_owned()));
        *count += 1;
    }

    pub(crate) fn add_path(&mut self, reason: Reason, path: &Path) {
        self.add(reason, &file_name(path));
    }

    pub(crate) fn append(&mut self, other: Skipped) {
        for (reason, (count, example)) in other.0 {
            self.0.entry(reason).or_insert((0, example)).0 += count;
        }
    }

    /// How many were left out for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.0.get(&reason).map_or(0, |(count, _)| *count)
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each reason.
    pub fn lines(&self) -> Vec<String> {
        let line = |(reason, (count, example)): (&Reason, &(u64, String))| {
            format!("skipped: {}, such as {example}", reason.of(*count))
        };
        self.0.iter().map(line).collect()
    }
}
