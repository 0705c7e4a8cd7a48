//! Ingesting documents: shared by `build`, `add` and `update`.

use std::time::Duration;

use colidx::corpus::{IngestReport, LongDocuments, Sink, read_corpus};
use colidx::{Model, NewDocument, Phase, Progress};

use crate::args::CorpusArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;
use colidx_data::{Corpus, CorpusReport};

/// Documents read between two updates of the progress bar.
const READ_STEP: u64 = 256;

/// Counts of a corpus that the engine does not report.
#[derive(Default)]
pub struct IngestSummary {
    read: Option<IngestReport>,
    /// Flags that nothing was made of.
    unused: Vec<String>,
    /// Documents longer than the checkpoint reads.
    pub truncated: u64,
    /// The keys of the first of them.
    long: Vec<String>,
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

    /// One line for each kind of document that was truncated, empty or skipped. `of` limits the
    /// truncated ones.
    pub fn left_out(&self, of: &str, without_text: u64, without_vectors: u64) -> Vec<String> {
        let mut lines = Vec::new();
        if self.truncated > 0 {
            lines.push(truncated(
                self.truncated,
                of,
                &self.long,
                self.document_length,
            ));
        }
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
        lines.extend(skipped(&read));
        lines.extend(self.unused.iter().cloned());
        lines
    }
}

/// Names the first of the documents that are longer than a checkpoint reads. `of` limits them.
pub fn truncated(count: u64, of: &str, keys: &[String], length: usize) -> String {
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!(", such as {},", names.join(", ")),
    };
    format!(
        "truncated: {}{of}{names} of which the first {length} tokens were indexed (--long split \
         makes passages)",
        number::counted(count, "document"),
    )
}

/// What of a corpus was skipped, in lines.
fn skipped(read: &IngestReport) -> Vec<String> {
    let corpus = &read.corpus;
    let mut lines = Vec::new();
    let bad_lines = corpus.bad_lines + read.refused;
    if bad_lines > 0 {
        let count = number::counted(bad_lines, "bad line");
        lines.push(format!("skipped: {count}"));
        let shown = corpus.bad_line_messages.iter();
        let shown = shown.chain(&read.refused_messages);
        lines.extend(shown.map(|message| format!("  {message}")));
    }
    lines.extend(not_read(corpus));
    lines
}

/// How many documents have nothing to read, if there are any.
pub fn blank(corpus: &CorpusReport) -> Option<String> {
    let documents = number::counted(corpus.blank, "document");
    (corpus.blank > 0).then(|| format!("empty: {documents} with neither title nor text"))
}

/// What of files and folders was not read as it stands there, in lines.
pub fn not_read(corpus: &CorpusReport) -> Vec<String> {
    let mut lines = corpus.skipped.lines();
    if let Some(example) = &corpus.replaced_example {
        lines.push(format!(
            "not UTF-8: {}, such as {example}; bytes that are no characters became U+FFFD",
            number::counted(corpus.replaced, "file")
        ));
    }
    lines
}

/// Reads a corpus into `sink` and shows progress.
///
/// # Errors
/// A bad line, a refused document, or Ctrl-C.
pub fn read(
    mut corpus: Corpus,
    reading: &CorpusArgs,
    model: &Model,
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
    let mut long = LongDocuments::new(model);
    let mut whole = |document: &NewDocument<'_>| long.look_at(document);
    let skip = reading.skip_bad_lines;
    let report = read_corpus(&mut corpus, skip, &mut watch, &mut whole, sink)?;
    summary.long = long.into_keys();
    let mut left_out = skipped(&report);
    left_out.extend(blank(&report.corpus));
    if report.corpus.documents <= report.refused + report.corpus.blank {
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
