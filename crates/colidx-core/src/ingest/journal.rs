//! The journal of a build: how much of it is safe on disk, so that a stopped build can be resumed.
//!
//! A build writes a journal at intervals, and when it fails: it syncs the files that the journal
//! records, then replaces the journal atomically. Bytes of these files beyond the recorded lengths
//! are cut off when the build resumes.

use super::BuildOptions;
use super::encode::{EncodedRecord, EncodingRecord};
use super::sample::SampleRecord;
use super::staging::Replaced;
use crate::error::{Error, FormatErrorKind, Result, Unfinished};
use crate::format::frame::{FileDigest, Frame, FrameWriter};
use crate::format::{FileKind, Tag};
use crate::progress::Phase;
use crate::storage::Directory;
use colidx_lexical::Analyzer;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use crate::format::JOURNAL;
const JOURNAL_NEW: &str = "build.journal.new";

const STATE: Tag = Tag(*b"STAT");

/// What a journal holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Record {
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

/// Steps that are done and synced.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Done {
    pub sample: Option<SampleRecord>,
    pub codebook: Option<FileDigest>,
    pub encoding: Option<EncodingRecord>,
    pub encoded: Option<EncodedRecord>,
}

impl Record {
    /// The journal of a build that would replace the current commit. A journal over another commit
    /// does not count: that build was committed, or another commit came in between.
    pub(super) fn find(directory: &Directory, replaced: &Replaced) -> Result<Option<Self>> {
        let current = (replaced.generation, replaced.next_file());
        let record = Self::read(directory)?;
        Ok(record.filter(|record| (record.generation, record.number) == current))
    }

    /// The journal in the directory, of whatever build.
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

    /// Whether there is anything to resume.
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

/// The unfinished build in a directory that can be resumed.
pub(crate) fn unfinished(directory: &Directory) -> Result<Option<Unfinished>> {
    let record = Record::find(directory, &Replaced::read(directory)?)?;
    let record = record.filter(Record::has_encoded);
    Ok(record.map(|record| record.unfinished()))
}

/// The journal of the running build.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: Directory,
    record: Record,
    /// Documents that were encoded before this build resumed; `None` for a new build.
    pub resumed: Option<u32>,
    /// Time between saves; `None` where nothing is to be kept.
    every: Option<Duration>,
    saved: Instant,
}

impl Journal {
    /// The journal of a new build, or of one that resumes, whose options must then be the same.
    pub(crate) fn new(
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
        let analyzer = options.analyzer.as_ref();
        let analyzer = analyzer.map_or("none", Analyzer::name);
        journal.input("analyzer", analyzer)?;
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

    /// For work that cannot be resumed: records nothing.
    pub(super) fn none(directory: &Directory) -> Self {
        Self {
            directory: directory.clone(),
            record: Record::default(),
            resumed: None,
            every: None,
            saved: Instant::now(),
        }
    }

    /// Whether anything is kept to resume from.
    pub(super) fn keeps(&self) -> bool {
        self.every.is_some()
    }

    /// Records an input that the bytes of the index depend on; where the build resumes, it must be
    /// the same as before.
    pub(crate) fn input(&mut self, what: &str, value: impl ToString) -> Result<()> {
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

    /// Records the number of documents.
    pub(crate) fn documents(&mut self, documents: u32) -> Result<()> {
        self.record.documents = documents;
        self.input("number of documents", documents)
    }

    pub(super) fn done(&self) -> &Done {
        &self.record.done
    }

    /// Whether it is time for a checkpoint.
    pub(super) fn due(&self) -> bool {
        self.every
            .is_some_and(|every| self.saved.elapsed() >= every)
    }

    /// Records what is synced now, and how many documents have been encoded for it.
    pub(super) fn note(&mut self, encoded: u32, change: impl FnOnce(&mut Done)) {
        self.record.encoded = encoded;
        change(&mut self.record.done);
    }

    /// Marks the start of a build before it writes anything else: files without a journal are then
    /// not those of an unfinished build.
    pub(crate) fn begin(&mut self) -> Result<()> {
        match self.resumed {
            Some(_) => Ok(()),
            None => self.write(),
        }
    }

    /// Writes the journal, unless nothing was encoded and there is nothing to resume.
    pub(crate) fn save(&mut self) -> Result<()> {
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

/// Whether the file is at fault, and not the system.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Format(_) => true,
        // A folder, a pipe or a link has its name.
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
