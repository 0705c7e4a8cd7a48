//! The journal of a build: what of it is safe on disk, so that a build that was stopped can go on.
//!
//! A build writes a journal from time to time, and when it fails: first it syncs the files that the journal speaks of, then it
//! replaces the journal at one blow. What lies in these files behind the recorded lengths is cut off when the build goes on.

use super::encode::{EncodedRecord, EncodingRecord};
use super::sample::SampleRecord;
use super::staging::Replaced;
use super::{BuildOptions, Phase};
use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal};
use crate::format::{FileKind, Tag};
use crate::storage::Directory;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use crate::format::JOURNAL;
const JOURNAL_NEW: &str = "build.journal.new";

const STATE: Tag = Tag(*b"STAT");

/// A build that was stopped and can be continued, with [`BuildOptions::resume`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The phase it was in.
    pub phase: Phase,
    /// Documents to encode.
    pub documents: u64,
    /// Documents whose vectors are kept.
    pub encoded: u64,
    /// When this was written down.
    pub written: SystemTime,
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            phase,
            documents,
            encoded,
            written,
        } = self;
        let ago = ago(written.elapsed().unwrap_or_default());
        write!(
            f,
            "{encoded} of {documents} documents encoded, last in phase `{phase}` {ago} ago"
        )
    }
}

fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What a journal holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Generation of the index that the build replaces; 0 when there is none.
    generation: u64,
    /// Number of the files that it writes.
    number: u32,
    /// Seconds since 1970.
    written: u64,
    documents: u32,
    encoded: u32,
    /// Everything that the bytes of the index depend on, by name.
    input: Vec<(String, String)>,
    done: Done,
}

/// What is done and safe.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Done {
    pub sample: Option<SampleRecord>,
    pub codebook: Option<Seal>,
    pub encoding: Option<EncodingRecord>,
    pub encoded: Option<EncodedRecord>,
}

impl Record {
    /// The journal of a build over the index that is there. One of a build over another commit, be it that this build has
    /// been committed or that another came between, is none.
    pub(super) fn find(directory: &Directory, replaced: &Replaced) -> Result<Option<Self>> {
        let current = (replaced.generation, replaced.next_file());
        let record = Self::read(directory)?;
        Ok(record.filter(|record| (record.generation, record.number) == current))
    }

    /// The journal that is there, of whatever build.
    pub(super) fn read(directory: &Directory) -> Result<Option<Self>> {
        if !directory.exists(JOURNAL)? {
            return Ok(None);
        }
        match Self::open(directory) {
            Ok(record) => Ok(Some(record)),
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if is_damage(&error) => Err(Error::DamagedJournal {
                source: Box::new(error),
            }),
            Err(other) => Err(other),
        }
    }

    fn open(directory: &Directory) -> Result<Self> {
        let frame = Frame::open(directory, JOURNAL, FileKind::Journal, None)?;
        frame.check_all()?;
        let state = frame.section::<u8>(STATE)?;
        serde_json::from_slice(&state).map_err(|e| {
            let expected = "the state of a build, written by this version of colidx";
            frame.error(FormatErrorKind::invalid(STATE, "JSON", expected, e))
        })
    }

    /// Whether there is anything to go on with.
    pub(super) fn has_encoded(&self) -> bool {
        self.encoded > 0
    }

    pub(super) fn unfinished(&self) -> Unfinished {
        let done = &self.done;
        Unfinished {
            phase: match (done.sample, done.codebook, done.encoded) {
                (_, _, Some(_)) => Phase::Postings,
                (_, Some(_), _) => Phase::Encode,
                (Some(sample), _, _) if sample.complete => Phase::Train,
                _ => Phase::Sample,
            },
            documents: self.documents.into(),
            encoded: self.encoded.into(),
            written: SystemTime::UNIX_EPOCH + Duration::from_secs(self.written),
        }
    }

    pub(super) fn refused(&self, path: PathBuf) -> Error {
        Error::Unfinished {
            path,
            build: self.unfinished(),
        }
    }
}

/// The journal of the build that runs.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: Directory,
    record: Record,
    /// Documents that were encoded before this build went on.
    pub resumed: Option<u32>,
    /// Time from one save to the next; `None` when nothing is to be kept.
    every: Option<Duration>,
    saved: Instant,
}

impl Journal {
    /// The journal of a new build, or of one that goes on: its options must then be the same.
    pub(super) fn new(
        directory: &Directory,
        replaced: &Replaced,
        unfinished: Option<Record>,
        options: &BuildOptions,
    ) -> Result<Self> {
        let resumed = unfinished.as_ref().map(|record| record.encoded);
        let record = unfinished.unwrap_or_else(|| Record {
            generation: replaced.generation,
            number: replaced.next_file(),
            ..Record::default()
        });
        let mut journal = Self {
            directory: directory.clone(),
            record,
            resumed,
            every: Some(options.checkpoint),
            saved: Instant::now(),
        };
        journal.input("nbits", options.nbits)?;
        let centroids = options.centroids.map(|n| n.to_string());
        journal.input("centroids", centroids.as_deref().unwrap_or("by default"))?;
        journal.input("engine", format!("{:?}", options.engine))?;
        journal.input("shape", format!("{:?}", options.shape))?;
        journal.input("seed", options.seed)?;
        let model = serde_json::to_value(&options.model).unwrap_or_default();
        match model.as_object() {
            Some(fields) => fields
                .iter()
                .try_for_each(|(name, value)| journal.input(&format!("model's {name}"), value))?,
            None => journal.input("model's name", "none")?,
        }
        Ok(journal)
    }

    /// Of work that is not continued when it was stopped.
    pub(super) fn none(directory: &Directory) -> Self {
        Self {
            directory: directory.clone(),
            record: Record::default(),
            resumed: None,
            every: None,
            saved: Instant::now(),
        }
    }

    /// Whether it is worth anything to make safe what was done.
    pub(super) fn keeps(&self) -> bool {
        self.every.is_some()
    }

    /// Notes something that the bytes of the index depend on; where the build goes on, it must be what it was.
    pub(super) fn input(&mut self, what: &str, value: impl ToString) -> Result<()> {
        let got = value.to_string();
        let input = &mut self.record.input;
        if self.resumed.is_none() {
            input.push((what.to_owned(), got));
            return Ok(());
        }
        let noted = input.iter().find(|(name, _)| name == what);
        match noted.map(|(_, value)| value) {
            Some(expected) if *expected == got => Ok(()),
            expected => Err(Error::OtherBuild {
                what: what.to_owned(),
                expected: expected.cloned().unwrap_or_else(|| "unknown".into()),
                got,
            }),
        }
    }

    /// Notes how many documents there are.
    pub(super) fn documents(&mut self, documents: u32) -> Result<()> {
        self.record.documents = documents;
        self.input("number of documents", documents)
    }

    pub(super) fn done(&self) -> &Done {
        &self.record.done
    }

    /// Whether it is time to make safe what was done, and to save the journal.
    pub(super) fn due(&self) -> bool {
        self.every
            .is_some_and(|every| self.saved.elapsed() >= every)
    }

    /// Notes what is safe on disk now, and how many documents have been encoded for it.
    pub(super) fn note(&mut self, encoded: u32, change: impl FnOnce(&mut Done)) {
        self.record.encoded = encoded;
        change(&mut self.record.done);
    }

    /// Says that a build begins, before it writes anything else: what is there without a journal is then no unfinished build.
    pub(super) fn begin(&mut self) -> Result<()> {
        match self.resumed {
            Some(_) => Ok(()),
            None => self.write(),
        }
    }

    /// Makes what was noted durable; while nothing was encoded, there is nothing to keep.
    pub(super) fn save(&mut self) -> Result<()> {
        if !self.record.has_encoded() {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.record.written = now.unwrap_or_default().as_secs();
        // A struct of numbers and strings always has a JSON form.
        let state = serde_json::to_vec(&self.record).unwrap_or_default();
        let mut w = FrameWriter::create(&self.directory, JOURNAL_NEW, FileKind::Journal)?;
        w.section(STATE, &state)?;
        w.finish()?;
        self.directory.replace(JOURNAL_NEW, JOURNAL)?;
        self.saved = Instant::now();
        Ok(())
    }
}

/// Whether it is the file that is wrong, and not the system.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Format(_) => true,
        // A folder, a pipe or a link in its place.
        Error::Io { source, .. } => matches!(
            source.kind(),
            ErrorKind::InvalidInput | ErrorKind::IsADirectory
        ),
        _ => false,
    }
}

/// Refuses a journal that is whole but contradicts itself.
pub(super) fn check(directory: &Directory, what: &str, expected: u64, got: u64) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    let kind = FormatErrorKind::invalid(STATE, what, expected, got);
    Err(kind.at(&directory.file_path(JOURNAL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_one_unit() {
        let told = [1, 119, 120, 7199, 7200, 172_799, 172_800]
            .map(|seconds| ago(Duration::from_secs(seconds)));
        let expected = [
            "1 second",
            "119 seconds",
            "2 minutes",
            "119 minutes",
            "2 hours",
            "47 hours",
            "2 days",
        ];
        assert_eq!(told, expected);
    }
}
