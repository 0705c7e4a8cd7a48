//! Taking documents in: what `build`, `add` and `update` have in common.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use colidx::{NewDocument, Phase, Progress};

use crate::error::CliError;
use crate::interrupt;
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;
use colidx_data::embeddings::{Embeddings, EmbeddingsError};
use colidx_data::{Corpus, CorpusReport};

/// Documents read between two updates of the bar.
const READ_STEP: u64 = 256;

/// Messages of refused documents that are shown.
const SHOWN: usize = 5;

/// Takes a document, and where it stands.
pub type Take<'a> = dyn FnMut(&NewDocument<'_>, &dyn Display) -> Result<(), CliError> + 'a;

/// What was found in the documents, beside what the engine reports.
#[derive(Default)]
pub struct Tally {
    corpus: Option<CorpusReport>,
    refused: u64,
    refused_messages: Vec<String>,
    /// Documents of which only the beginning was encoded.
    pub truncated: u64,
    document_length: usize,
}

impl Tally {
    /// Of documents that are encoded up to so many tokens.
    pub fn of(document_length: usize) -> Tally {
        Tally {
            document_length,
            ..Tally::default()
        }
    }

    /// What was shortened, empty or left out; nothing of it is silent. `of` says of which documents the engine knows.
    pub fn left_out(&self, of: &str, without_text: u64, without_vectors: u64) -> Vec<String> {
        let mut lines = Vec::new();
        if self.truncated > 0 {
            lines.push(format!(
                "truncated: {}{of}, of which the first {} tokens were indexed",
                number::counted(self.truncated, "document"),
                self.document_length
            ));
        }
        let corpus = self.corpus.as_ref();
        let empty = without_text.max(corpus.map_or(0, |corpus| corpus.empty));
        if empty > 0 || without_vectors > 0 {
            lines.push(format!(
                "empty: {} without text, {} without vectors",
                number::counted(empty, "document"),
                number::count(without_vectors)
            ));
        }
        let bad_lines = corpus.map_or(0, |corpus| corpus.bad_lines) + self.refused;
        if bad_lines > 0 {
            let count = number::counted(bad_lines, "bad line");
            lines.push(format!("skipped: {count}"));
            let messages = corpus.map_or(&[][..], |corpus| &corpus.bad_line_messages);
            let shown = messages.iter().chain(&self.refused_messages);
            lines.extend(shown.map(|message| format!("  {message}")));
        }
        lines.extend(corpus.map_or_else(Vec::new, |corpus| corpus.skipped.lines()));
        lines
    }
}

/// An error of the engine about a document that stands at `place`.
pub fn refused(place: &dyn Display, source: colidx::Error) -> CliError {
    CliError::Document {
        place: place.to_string(),
        source: Box::new(source),
    }
}

/// Whether only one document is bad.
fn is_refusal(error: &CliError) -> bool {
    match error {
        CliError::KeyExists { .. } => true,
        CliError::Document { source, .. } => matches!(
            **source,
            colidx::Error::DuplicateKey { .. }
                | colidx::Error::InvalidKey { .. }
                | colidx::Error::DocumentTooLarge { .. }
        ),
        _ => false,
    }
}

/// Streams a corpus into `take`. With `skip_bad_lines` documents that it refuses are counted.
///
/// # Errors
/// A bad line, a refused document, or Ctrl-C.
pub fn read(
    mut corpus: Corpus,
    skip_bad_lines: bool,
    tally: &mut Tally,
    phases: &Phases,
    take: &mut Take<'_>,
) -> Result<(), CliError> {
    let total = corpus.bytes_total();
    phases.begin("reading", total, Unit::Bytes);
    let mut metadata = String::new();
    let mut count = 0u64;
    while let Some(document) = corpus.next() {
        let document = document?;
        if interrupt::asked() {
            return Err(colidx::Error::Cancelled.into());
        }
        metadata.clear();
        if !document.metadata.is_empty() {
            metadata = serde_json::Value::Object(document.metadata).to_string();
        }
        let new = NewDocument::new(&document.key)
            .title(&document.title)
            .text(&document.text)
            .metadata(&metadata);
        match take(&new, &document.place) {
            Err(error) if skip_bad_lines && is_refusal(&error) => {
                tally.refused += 1;
                if tally.refused_messages.len() < SHOWN {
                    tally.refused_messages.push(error.to_string());
                }
            }
            result => result?,
        }
        count += 1;
        if count.is_multiple_of(READ_STEP) {
            phases.set(corpus.bytes_read());
        }
    }
    phases.set(corpus.bytes_read());
    tally.corpus = Some(corpus.report().clone());
    Ok(())
}

/// Gives `take` the keys of documents whose vectors are there already.
///
/// # Errors
/// The keys cannot be read, or one is refused.
pub fn keys(
    directory: &Path,
    embeddings: &Embeddings,
    take: &mut Take<'_>,
) -> Result<(), CliError> {
    if embeddings.documents() == 0 {
        let file = directory.join("doc_lens.npy").display().to_string();
        return Err(EmbeddingsError::NoDocuments { file }.into());
    }
    let file = directory.join("doc_keys.txt");
    for (line, key) in (1u64..).zip(embeddings.keys()?) {
        let key = key?;
        let new = NewDocument::new(&key);
        take(&new, &format_args!("{}:{line}", file.display()))?;
    }
    Ok(())
}

/// The engine's progress, shown.
pub struct Watch<'a>(pub &'a Phases);

impl Progress for Watch<'_> {
    fn phase(&self, phase: Phase, total: Option<u64>) {
        let (name, unit) = match phase {
            Phase::Sample => ("encoding a sample", Unit::Things("document")),
            Phase::Train => ("training the codebook", Unit::Share),
            Phase::Encode => ("encoding", Unit::Things("document")),
            Phase::Postings => ("inverting", Unit::Share),
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
        interrupt::asked()
    }
}

/// Tells what took how long, unless nothing was to be done.
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
