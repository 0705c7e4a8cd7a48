//! Ingesting documents: shared by `build`, `add` and `update`.

use std::time::Duration;

use colidx::corpus::{IngestReport, Sink, read_corpus};
use colidx::text::Truncated;
use colidx::{Phase, Progress};

use crate::args::CorpusArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;
use colidx_data::Corpus;

/// Documents read between two updates of the progress bar.
const READ_STEP: u64 = 256;

/// Counts of a corpus that the engine does not report.
#[derive(Default)]
pub struct IngestSummary {
    read: Option<IngestReport>,
    /// Flags that nothing was made of.
    unused: Vec<String>,
    /// Documents longer than the checkpoint reads.
    pub truncated: Truncated,
    document_length: usize,
}

impl IngestSummary {
    /// For a checkpoint that encodes at most `document_length` tokens of a document.
    pub fn of(document_length: usize) -> IngestSummary {
        IngestSummary {
            document_length,
            ..IngestSummary::default()
        }
    }

    /// One line for each kind of document that was truncated, empty or skipped. `among`
    /// says of which documents truncated ones are.
    pub fn left_out(&self, among: &str, without_text: u64, without_vectors: u64) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(truncated(&self.truncated, among, self.document_length));
        let read = self.read.clone().unwrap_or_default();
        let corpus = &read.corpus;
        let empty = without_text.max(corpus.empty);
        if empty > 0 || without_vectors > 0 {
            lines.push(format!(
                "empty: {} without text, {} without vectors",
                number::counted(empty, "document"),
                number::count(without_vectors)
            ));
        }
        lines.extend(read.left_out());
        lines.extend(self.unused.iter().cloned());
        lines
    }
}

/// What to say of truncated documents, and what helps.
pub fn truncated(truncated: &Truncated, among: &str, length: usize) -> Option<String> {
    let line = truncated.line(among, length)?;
    Some(format!("{line} (--long split makes passages)"))
}

/// Reads a corpus into `sink` and shows progress.
///
/// # Errors
/// A bad line, a refused document, or Ctrl-C.
pub fn read(
    corpus: &mut Corpus,
    reading: &CorpusArgs,
    summary: &mut IngestSummary,
    phases: &Phases,
    sink: &mut Sink<'_>,
) -> Result<(), CliError> {
    phases.begin("reading", corpus.bytes_total(), Unit::Bytes);
    let mut count = 0u64;
    let mut watch = |corpus: &Corpus| {
        count += 1;
        if count.is_multiple_of(READ_STEP) {
            phases.set(corpus.bytes_read());
        }
        !interrupt::requested()
    };
    let skip = reading.skip_bad_lines;
    let report = read_corpus(corpus, skip, &mut watch, sink)?;
    if !report.has_content() {
        let mut left_out = report.left_out();
        left_out.extend(report.corpus.without_content());
        return Err(CliError::NothingIngested(left_out.join("\n")));
    }
    phases.set(corpus.bytes_read());
    summary.unused = reading.unused(&report.corpus);
    summary.read = Some(report);
    Ok(())
}

/// Shows the engine's progress as phases, and cancels on a signal.
pub struct ProgressAdapter<'a>(pub &'a Phases);

impl Progress for ProgressAdapter<'_> {
    fn phase(&self, phase: Phase, total: Option<u64>) {
        let (name, unit) = match phase {
            Phase::Sample => ("encoding a sample", Unit::Things("document")),
            Phase::Train => ("training the codebook", Unit::Share),
            Phase::Encode => ("encoding", Unit::Things("document")),
            Phase::Postings => ("writing posting lists", Unit::Share),
            Phase::Measure => ("measuring", Unit::Things("query")),
            Phase::Merge => ("merging", Unit::Things("document")),
            Phase::Commit => ("committing", Unit::Share),
            _ => ("working", Unit::Share),
        };
        self.0.begin(name, total, unit);
    }

    fn resume(&self, done: u64) {
        self.0.start_at(done);
    }

    fn advance(&self, done: u64) {
        self.0.set(done);
    }

    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

/// Prints the time of each phase, if there was any.
pub fn tell_times(phases: &[(Phase, Duration)]) {
    if phases.is_empty() {
        return;
    }
    let times: Vec<String> = phases
        .iter()
        .map(|(phase, took)| format!("{phase} {}", number::time(*took)))
        .collect();
    note(&format!("time: {}", times.join(", ")));
}
