//! Where the hits of many queries go: a TREC run, or JSON.

use std::io::Write;
use std::path::Path;

use colidx::{Hit, Index};

use crate::error::CliError;
use crate::interrupt;
use crate::json::{HitLine, metadata};
use crate::output::{OutputFile, Protected, Stdout, note};
use crate::render::number;
use colidx_data::RunWriter;

/// The last column of a run.
const TAG: &str = "colidx";

/// A destination of hits.
pub enum HitsOut {
    /// A run on standard output.
    Run(RunWriter<Box<dyn Write>>),
    /// A run in a file.
    File(RunWriter<OutputFile>),
    /// JSON on standard output.
    Json(Stdout),
}

impl HitsOut {
    /// A run in the file `run_out`, or else on standard output, where `json` asks for JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(run_out: Option<&Path>, json: bool, guard: &Protected) -> Result<Self, CliError> {
        match run_out {
            Some(path) => HitsOut::file(path, guard),
            None if json => Ok(HitsOut::Json(Stdout::lock())),
            None => Ok(HitsOut::Run(RunWriter::new(Box::new(Stdout::lock()), TAG))),
        }
    }

    /// A run in a file. Until it is complete it has a temporary name beside the target, which a
    /// signal must remove.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn file(path: &Path, guard: &Protected) -> Result<Self, CliError> {
        interrupt::install()?;
        Ok(HitsOut::File(RunWriter::new(
            OutputFile::create(path, guard)?,
            TAG,
        )))
    }

    /// Writes the hits of a query, best first.
    ///
    /// # Errors
    /// The index is damaged, or the destination is closed or full.
    pub fn write(&mut self, index: &Index, query: &str, hits: &[Hit]) -> Result<(), CliError> {
        match self {
            HitsOut::Run(run) => Ok(run.write(query, ranking(hits))?),
            HitsOut::File(run) => Ok(run.write(query, ranking(hits))?),
            HitsOut::Json(out) => {
                for (rank, hit) in (1..).zip(hits) {
                    let document = index.document(hit.doc)?;
                    out.json(&HitLine {
                        query,
                        rank,
                        score: hit.score,
                        maxsim: hit.bm25.and(hit.maxsim),
                        bm25: hit.bm25,
                        key: &hit.key,
                        title: &document.title,
                        text: &document.text,
                        metadata: metadata(&document.metadata),
                        snippet: None,
                        explain: None,
                    })?;
                }
                Ok(())
            }
        }
    }

    /// Ends the output; a file gets its name.
    ///
    /// # Errors
    /// The destination is closed or full.
    pub fn finish(self) -> Result<(), CliError> {
        match self {
            HitsOut::Run(run) => {
                tell_escaped(run.escaped());
                drop(run.finish()?);
                Ok(())
            }
            HitsOut::File(run) => {
                tell_escaped(run.escaped());
                run.finish()?.finish()?;
                Ok(())
            }
            HitsOut::Json(mut out) => out.flush(),
        }
    }
}

/// The columns of a run.
fn ranking(hits: &[Hit]) -> impl Iterator<Item = (&str, f32)> {
    hits.iter().map(|hit| (hit.key.as_str(), hit.score))
}

/// Says that keys stand escaped in a run, if any do.
fn tell_escaped(keys: u64) {
    if keys > 0 {
        note(&format!(
            "escaped: {} empty or with white space or control characters, percent-encoded behind \
             `%:` in the run",
            number::counted(keys, "key")
        ));
    }
}
