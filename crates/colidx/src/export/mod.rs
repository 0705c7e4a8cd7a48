//! The way out: what an index holds, in forms that other programs read.
//!
//! ```no_run
//! use colidx::data::Protected;
//! use colidx::export::{ExportForm, ExportOptions, export};
//! use colidx::Index;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let index = Index::open("docs.colidx")?;
//! let options = ExportOptions::new(ExportForm::Safetensors);
//! let protected = Protected::new(colidx::MAGIC).index("docs.colidx".as_ref());
//! export(&index, "out".as_ref(), &options, &protected, &mut |_| true)?;
//! # Ok(())
//! # }
//! ```
//!
//! Vectors are those that search sees: decoded, so that they are as precise as the index is.

mod fast_plaid;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod safetensors;

use std::path::{Path, PathBuf};

use colidx_core::Index;
use colidx_data::embeddings::{EmbeddingsError, EmbeddingsWriter};
use colidx_data::npy::{Dtype, NpyError};
use colidx_data::{CompletedFile, OutputError, OutputFile, Protected};
use thiserror::Error;

use records::Records;

/// The file of records.
const RECORDS: &str = "documents.jsonl";

/// In which form an index is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportForm {
    /// `doc_embeddings.npy`, `doc_lens.npy` and `doc_keys.txt`, and the records in
    /// `documents.jsonl`.
    Npy,
    /// `vectors.safetensors` with a tensor a document, named by its key, and the records in
    /// `documents.jsonl`.
    Safetensors,
    /// `documents.jsonl` alone, with the vectors of each record in the field `vectors`.
    JsonLines,
    /// The files of a fast-plaid index of shards, which all its versions read, and the records in
    /// `documents.jsonl`.
    FastPlaid,
    /// `vectors.parquet` with the columns `_id` and `vectors`, lists of lists of f32, and the
    /// records in `documents.jsonl`.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl ExportForm {
    /// The files that it has.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            ExportForm::Npy => &[
                "doc_embeddings.npy",
                "doc_keys.txt",
                "doc_lens.npy",
                RECORDS,
            ],
            ExportForm::Safetensors => &[safetensors::FILE, RECORDS],
            ExportForm::JsonLines => &[RECORDS],
            ExportForm::FastPlaid => &fast_plaid::FILES,
            #[cfg(feature = "parquet")]
            ExportForm::Parquet => &[parquet::FILE, RECORDS],
        }
    }
}

/// How an index is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The form.
    pub form: ExportForm,
    /// Whether vectors are f16 and not f32.
    pub half: bool,
    /// Residual bits a dimension of a fast-plaid index; `None` takes the index's.
    pub nbits: Option<u32>,
}

impl ExportOptions {
    /// In f32, with the index's bits.
    pub fn new(form: ExportForm) -> ExportOptions {
        ExportOptions {
            form,
            half: false,
            nbits: None,
        }
    }

    /// Sets [`ExportOptions::half`].
    #[must_use]
    pub fn half(mut self, half: bool) -> ExportOptions {
        self.half = half;
        self
    }

    /// Sets [`ExportOptions::nbits`]: 1, 2, 4 or 8.
    #[must_use]
    pub fn nbits(mut self, nbits: Option<u32>) -> ExportOptions {
        self.nbits = nbits;
        self
    }

    fn dtype(&self) -> Dtype {
        match self.half {
            true => Dtype::F16,
            false => Dtype::F32,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Documents.
    pub documents: u64,
    /// Their vectors.
    pub vectors: u64,
    /// Fields of metadata with the name of a field that records have anyway, left out.
    pub fields_left_out: u64,
}

/// Why an index was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The index is damaged.
    #[error(transparent)]
    Index(#[from] colidx_core::Error),
    /// A file may not be written, or cannot.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file of vectors cannot be written.
    #[error(transparent)]
    Embeddings(#[from] EmbeddingsError),
    /// An array cannot be written.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file cannot be written.
    #[error("{file}: cannot be written: {source}; check the free space on the disk")]
    Io {
        /// The file.
        file: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The form cannot have such an index.
    #[error("{form} cannot have {got}, expected {expected}; choose another form or other bits")]
    Unfit {
        /// The form.
        form: &'static str,
        /// What it needs.
        expected: String,
        /// What there is.
        got: String,
    },
    /// The caller asked to stop.
    #[error("cancelled; nothing was written")]
    Cancelled,
}

/// Writes all documents of an index into `folder`, which is made if need be. Files get their names
/// once all are whole. `watch` is given the number of documents done, and returns whether to
/// continue.
///
/// # Errors
/// `protected` does not let a file be written, the index is damaged, or the form cannot have it.
pub fn export(
    index: &Index,
    folder: &Path,
    options: &ExportOptions,
    protected: &Protected,
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<Exported, ExportError> {
    let real = protected.make_folder(folder)?;
    for file in options.form.files() {
        protected.check(&real.join(file))?;
    }
    let out = Out {
        shown: folder.to_owned(),
        real,
        protected,
    };
    let mut work = Work {
        index,
        out: &out,
        done: Exported::default(),
        watch,
    };
    let with_vectors = options.form == ExportForm::JsonLines;
    let mut records = Records::create(&out, with_vectors.then_some(options.half))?;
    let files: Vec<CompletedFile> = match options.form {
        ExportForm::Npy => {
            let dtype = options.dtype();
            let mut writer =
                EmbeddingsWriter::without_token_ids(&out.shown, index.dim(), dtype, protected)?;
            work.each(
                &mut |key, vectors| Ok(writer.push(key, vectors, &[])?),
                &mut records,
            )?;
            writer.complete()?
        }
        ExportForm::Safetensors => safetensors::write(&mut work, options.half, &mut records)?,
        ExportForm::JsonLines => {
            work.each(&mut |_, _| Ok(()), &mut records)?;
            Vec::new()
        }
        ExportForm::FastPlaid => {
            let nbits = options.nbits;
            fast_plaid::write(&mut work, nbits, &mut records)?
        }
        #[cfg(feature = "parquet")]
        ExportForm::Parquet => parquet::write(&mut work, options.half, &mut records)?,
    };
    let mut done = work.done;
    let (records, left_out) = records.finish()?;
    done.fields_left_out = left_out;
    for file in files.into_iter().chain([records]) {
        file.publish()?;
    }
    Ok(done)
}

/// The folder that is written to.
struct Out<'a> {
    /// As it was named.
    shown: PathBuf,
    real: PathBuf,
    protected: &'a Protected,
}

impl Out<'_> {
    fn create(&self, name: &str) -> Result<OutputFile, ExportError> {
        Ok(OutputFile::create(&self.real.join(name), self.protected)?)
    }

    /// The name of a file for messages.
    fn name(&self, name: &str) -> String {
        self.shown.join(name).display().to_string()
    }

    fn io(&self, name: &str) -> impl Fn(std::io::Error) -> ExportError {
        let file = self.name(name);
        move |source| ExportError::Io {
            file: file.clone(),
            source,
        }
    }
}

/// An index on its way out.
struct Work<'a> {
    index: &'a Index,
    out: &'a Out<'a>,
    done: Exported,
    watch: &'a mut dyn FnMut(u64) -> bool,
}

/// Takes a document's key and vectors, `[n, dim]` row-major.
type Take<'a> = dyn FnMut(&str, &[f32]) -> Result<(), ExportError> + 'a;

impl Work<'_> {
    /// Gives all documents to `take` and `records`.
    fn each(&mut self, take: &mut Take<'_>, records: &mut Records) -> Result<(), ExportError> {
        let dim = self.index.dim().max(1);
        for doc in self.index.doc_ids() {
            let document = self.index.document(doc)?;
            let vectors = self.index.token_vectors(doc)?;
            take(&document.key, &vectors)?;
            records.push(&document, &vectors, dim)?;
            self.done.documents += 1;
            self.done.vectors += (vectors.len() / dim) as u64;
            if !(self.watch)(self.done.documents) {
                return Err(ExportError::Cancelled);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
