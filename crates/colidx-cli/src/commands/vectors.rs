//! Documents whose vectors were made before: shared by `build`, `add` and `update`.

use std::path::Path;

use colidx::EmbeddingsSource;
use colidx::corpus::{Sink, read_keys, read_records};
use colidx_data::embeddings::Embeddings;
use colidx_data::{Corpus, CorpusReport, Format};

use crate::args::{CorpusArgs, InputArgs};
use crate::error::CliError;
use crate::interrupt;
use crate::output::note;
use crate::progress::{Phases, Unit};
use crate::render::number;

/// Documents read between two updates of the progress bar.
const READ_STEP: u64 = 256;

/// Files of vectors, and what is known about their documents.
pub struct GivenVectors<'a> {
    /// The vectors.
    pub source: EmbeddingsSource,
    records: Option<Corpus>,
    reading: &'a CorpusArgs,
    phases: &'a Phases,
}

impl<'a> GivenVectors<'a> {
    /// Opens the files at `path`, and the records: those of the corpus, or of the file itself.
    ///
    /// # Errors
    /// A file is missing or malformed, or the flags contradict each other.
    pub fn open(
        path: &Path,
        input: &'a InputArgs,
        index: &Path,
        phases: &'a Phases,
    ) -> Result<GivenVectors<'a>, CliError> {
        let InputArgs {
            corpus,
            reading,
            vectors,
        } = input;
        let mut embeddings = Embeddings::open_field(path, &vectors.vectors_field)?;
        if let Some(keys) = &vectors.embedding_keys {
            embeddings = embeddings.with_keys(keys)?;
        }
        if reading.skip_bad_lines {
            let text = "--skip-bad-lines would leave vectors without a document; leave it out";
            return Err(CliError::Usage(text.to_owned()));
        }
        let options = reading.options().index(index);
        let records = match embeddings.records() {
            Some((file, field)) if corpus.is_empty() => {
                let options = options.beside_vectors(Some(field.to_owned()));
                let format = reading.format.unwrap_or(Format::JSONL);
                Some(Corpus::open(&[file.to_owned()], options.format(format))?)
            }
            _ if corpus.is_empty() => None,
            _ => Some(Corpus::open(corpus, options.beside_vectors(None))?),
        };
        Ok(GivenVectors {
            source: EmbeddingsSource::new(embeddings, path),
            records,
            reading,
            phases,
        })
    }

    /// Gives all documents to `sink`.
    ///
    /// # Errors
    /// A record is bad or has no vectors, vectors have no record, or a document is refused.
    pub fn read(&mut self, sink: &mut Sink<'_>) -> Result<(), CliError> {
        let Some(records) = &mut self.records else {
            return Ok(read_keys(self.source.vectors(), sink)?);
        };
        (self.phases).begin("reading", records.bytes_total(), Unit::Bytes);
        let mut count = 0u64;
        let mut watch = |corpus: &Corpus| {
            count += 1;
            if count.is_multiple_of(READ_STEP) {
                self.phases.set(corpus.bytes_read());
            }
            !interrupt::requested()
        };
        read_records(records, &mut self.source, &mut watch, sink)?;
        Ok(())
    }

    /// Says what was left out.
    pub fn tell(&self) {
        if let Some(records) = &self.records {
            let report = records.report();
            let lines = report.not_read();
            lines.iter().for_each(|line| note(line));
        }
        let nothing = CorpusReport::default();
        let read = self.records.as_ref().map_or(&nothing, Corpus::report);
        let unused = self.reading.unused(read);
        unused.iter().for_each(|line| note(line));
        let padding = self.source.vectors().padding();
        if padding > 0 {
            note(&format!(
                "padding: {} of zeros left out",
                number::counted(padding, "row")
            ));
        }
    }
}
