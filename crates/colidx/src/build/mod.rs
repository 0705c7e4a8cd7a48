//! Building an index: text first, then a sample and its codebook, then every document, then one commit.
//!
//! The corpus is read once, before anything is encoded, so a bad line is found in seconds and not
//! after hours; from then on the builder reads back what it stored. Vectors of the sample are kept in
//! a spool file and not made twice. Nothing is visible to readers until the manifest is in place.

mod assemble;
mod batches;
mod compress;
mod encoded;
mod layout;
mod memory;
mod parts;
mod reader;
mod sample;
mod source;
mod train;

pub use source::{NoProgress, Phase, Progress, SourceDocument, VectorBatch, VectorSource};

use crate::error::{Error, Result};
use crate::format::frame::Seal;
use crate::format::manifest::{FileEntry, MANIFEST, Manifest, ModelInfo, SegmentEntry};
use crate::format::{self, Tag, file_name, kind};
use crate::segment::documents::KeyWriter;
use crate::segment::text::TextWriter;
use crate::storage::{Directory, LOCK, WriterLock};
use std::path::Path;
use std::time::{Duration, Instant};

pub use colidx_cluster::{Engine, Shape};

/// How to build an index. [`BuildOptions::default`] gives the measured defaults.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Residual bits a dimension: 1, 2, 4 or 8.
    pub nbits: u32,
    /// Centroids of the codebook; `None` chooses by the number of vectors (`docs/codebook.md`).
    pub centroids: Option<usize>,
    /// Which k-means trains the codebook.
    pub engine: Engine,
    /// Whether centroids belong to vocabulary ids; needs a source that gives token ids.
    pub shape: Shape,
    /// Most bytes of working memory for phases that can choose; the model is not counted.
    pub memory: usize,
    /// Seed of every random choice. The same input and seed give the same bytes.
    pub seed: u64,
    /// Replace an index that is there; it stays readable until the new one is committed.
    pub force: bool,
    /// What makes the vectors, recorded in the index; `None` when only vectors are known.
    pub model: Option<ModelInfo>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            nbits: 4,
            centroids: None,
            engine: Engine::Builtin,
            shape: Shape::TokenAware,
            memory: 2 << 30,
            seed: 42,
            force: false,
            model: None,
        }
    }
}

/// A document as a caller gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewDocument<'a> {
    /// The caller's name for the document: unique, 1 to 4,096 bytes.
    pub key: &'a str,
    /// Title, or empty.
    pub title: &'a str,
    /// Text; may be empty.
    pub text: &'a str,
    /// Further fields as a JSON object, or empty.
    pub metadata: &'a str,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Documents in the index.
    pub documents: u64,
    /// Token vectors in the index.
    pub vectors: u64,
    /// Documents that have no token vectors, and so are never found.
    pub without_vectors: u64,
    /// Documents whose title and text are both empty.
    pub without_text: u64,
    /// Whether all vectors have unit length, as a ColBERT model's do. If so, decoded vectors are brought back to it, which
    /// makes up for much of what few bits lose (`docs/codebook.md`).
    pub unit_length: bool,
    /// Centroids trained.
    pub centroids: usize,
    /// Vectors the codebook was trained on.
    pub sample_vectors: u64,
    /// Bytes of all files of the index.
    pub bytes: u64,
    /// Bytes of stored text among them.
    pub text_bytes: u64,
    /// Time spent in each phase, in order.
    pub phases: Vec<(Phase, Duration)>,
}

impl BuildReport {
    /// Bytes a token vector costs, stored text not counted; 0 without vectors.
    pub fn bytes_per_vector(&self) -> f64 {
        crate::index::bytes_per_vector(self.bytes, self.text_bytes, self.vectors)
    }
}

/// Builds one index. Documents are added first, then [`IndexBuilder::finish`] does the work.
///
/// Dropped before that, or failing, it removes what it wrote; an index that was there stays.
pub struct IndexBuilder {
    staging: Staging,
    options: BuildOptions,
    generation: u64,
    /// Number of the files being written.
    number: u32,
    keys: KeyWriter,
    text: Option<TextWriter>,
    stores_text: bool,
    without_text: u64,
    started: Instant,
}

impl IndexBuilder {
    /// Takes the directory for a new index.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] without `force`, [`Error::DirectoryNotEmpty`] when foreign files are
    /// there, [`Error::Locked`] while another writer works, [`Error::Option`] for a value out of range.
    pub fn create(path: impl AsRef<Path>, options: BuildOptions) -> Result<Self> {
        Self::create_in(&Directory::new(path), options)
    }

    /// As [`IndexBuilder::create`], in any directory.
    ///
    /// # Errors
    ///
    /// As [`IndexBuilder::create`].
    pub fn create_in(directory: &Directory, options: BuildOptions) -> Result<Self> {
        check_options(&options)?;
        directory.create_all()?;
        let lock = directory.lock()?;
        let replaced = if directory.exists(MANIFEST)? {
            if !options.force {
                return Err(Error::AlreadyExists {
                    path: directory.path().to_path_buf(),
                });
            }
            Replaced::read(directory)?
        } else {
            check_only_ours(directory)?;
            Replaced::default()
        };
        let staging = Staging::new(directory.clone(), lock, replaced.files)?;
        let number = replaced.last_file.saturating_add(1);
        Ok(Self {
            text: Some(TextWriter::create(&staging.directory, number)?),
            staging,
            options,
            generation: replaced.generation.saturating_add(1),
            number,
            keys: KeyWriter::default(),
            stores_text: false,
            without_text: 0,
            started: Instant::now(),
        })
    }

    /// Adds a document; its text is stored now and encoded in [`IndexBuilder::finish`].
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateKey`], [`Error::InvalidKey`] or [`Error::DocumentTooLarge`], after which the
    /// builder is unchanged and can go on; [`Error::Io`] when the disk fails.
    pub fn add(&mut self, document: &NewDocument<'_>) -> Result<()> {
        if self.keys.len() as u64 == u64::from(u32::MAX) {
            return Err(Error::TooManyDocuments {
                max: u32::MAX.into(),
            });
        }
        let NewDocument {
            key,
            title,
            text,
            metadata,
        } = *document;
        let got = title.len() + text.len() + metadata.len();
        if got > format::MAX_DOCUMENT_BYTES {
            return Err(Error::DocumentTooLarge {
                key: key.into(),
                got,
                max: format::MAX_DOCUMENT_BYTES,
            });
        }
        self.keys.push(key)?;
        self.stores_text |= got > 0;
        self.without_text += u64::from(title.is_empty() && text.is_empty());
        match &mut self.text {
            Some(writer) => writer.push(key, [title, text, metadata]),
            None => Ok(()),
        }
    }

    /// Documents added so far.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no document was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Encodes, trains, compresses and commits.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] when `progress` says so, [`Error::Encode`] when the source fails,
    /// [`Error::NonFinite`] and [`Error::Dimension`] for vectors that cannot be stored, [`Error::Io`]
    /// when the disk fails. Whatever fails, the directory is left as it was found.
    pub fn finish(
        mut self,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<BuildReport> {
        let number = self.number;
        let mut phases = vec![(Phase::Read, self.started.elapsed())];
        let mut files = Vec::new();
        if let Some(text) = self.text.take() {
            let seal = text.finish()?;
            if self.stores_text {
                files.push(entry(kind::TEXT, number, seal));
            }
        }

        let assembled = assemble::assemble(
            &self.staging.directory,
            number,
            &self.options,
            self.keys,
            self.stores_text,
            source,
            progress,
            &mut phases,
        )?;
        files.extend(assembled.files);

        let started = Instant::now();
        progress.phase(Phase::Commit, None);
        let manifest = Manifest {
            generation: self.generation,
            seed: self.options.seed,
            dim: source.dim(),
            nbits: self.options.nbits,
            centroids: assembled.centroids,
            next_file: number.saturating_add(1),
            codebook: number,
            unit_length: assembled.unit_length,
            segments: vec![SegmentEntry {
                number,
                documents: assembled.documents,
                vectors: assembled.vectors,
            }],
            files,
            model: self.options.model.take(),
        };
        manifest.commit(&self.staging.directory)?;
        self.staging.committed(&manifest)?;
        phases.push((Phase::Commit, started.elapsed()));

        let bytes = |text: bool| {
            let files = manifest.files.iter();
            files
                .filter(|f| !text || f.kind == kind::TEXT)
                .map(|f| f.seal.length)
                .sum()
        };
        Ok(BuildReport {
            documents: assembled.documents.into(),
            vectors: assembled.vectors,
            without_vectors: assembled.without_vectors,
            without_text: if self.stores_text {
                self.without_text
            } else {
                0
            },
            unit_length: assembled.unit_length,
            centroids: assembled.centroids,
            sample_vectors: assembled.sample_vectors,
            bytes: bytes(false),
            text_bytes: bytes(true),
            phases,
        })
    }
}

fn entry(kind: Tag, number: u32, seal: Seal) -> FileEntry {
    FileEntry { kind, number, seal }
}

fn check_options(options: &BuildOptions) -> Result<()> {
    if !matches!(options.nbits, 1 | 2 | 4 | 8) {
        return Err(Error::Option {
            option: "nbits",
            got: options.nbits.to_string(),
            expected: "1, 2, 4 or 8",
        });
    }
    if let Some(centroids) = options.centroids
        && !(1..=format::MAX_CENTROIDS).contains(&centroids)
    {
        return Err(Error::Option {
            option: "centroids",
            got: centroids.to_string(),
            expected: "at least 1 and at most 67,108,864",
        });
    }
    Ok(())
}

/// A directory without a manifest may hold what a killed build left behind, but nothing else.
fn check_only_ours(directory: &Directory) -> Result<()> {
    match directory.list()?.into_iter().find(|name| !is_ours(name)) {
        None => Ok(()),
        Some(found) => Err(Error::DirectoryNotEmpty {
            path: directory.path().to_path_buf(),
            found,
        }),
    }
}

fn is_ours(name: &str) -> bool {
    name == LOCK
        || name.ends_with(".new")
        || name.ends_with(".spool")
        || format::file_number(name).is_some()
}

/// What is known of the index that a build replaces; nothing, when there is none.
#[derive(Default)]
struct Replaced {
    generation: u64,
    last_file: u32,
    files: Vec<String>,
}

impl Replaced {
    fn read(directory: &Directory) -> Result<Self> {
        match Manifest::open(directory) {
            Ok((manifest, _)) => Ok(Self {
                generation: manifest.generation,
                last_file: manifest.next_file.saturating_sub(1),
                files: manifest
                    .files
                    .iter()
                    .map(|f| file_name(f.kind, f.number))
                    .collect(),
            }),
            // A damaged manifest cannot say which files are its own: all stay until the new index is committed.
            Err(Error::Format(_)) => {
                let mut files = directory.list()?;
                files.retain(|name| format::file_number(name).is_some());
                Ok(Self {
                    generation: 0,
                    last_file: files
                        .iter()
                        .filter_map(|name| format::file_number(name))
                        .max()
                        .unwrap_or(0),
                    files,
                })
            }
            Err(other) => Err(other),
        }
    }
}

/// Files on their way to be committed; what is not committed is removed.
struct Staging {
    directory: Directory,
    kept: Vec<String>,
    _lock: WriterLock,
}

impl Staging {
    /// Clears what an earlier, killed build left behind.
    fn new(directory: Directory, lock: WriterLock, kept: Vec<String>) -> Result<Self> {
        let staging = Self {
            directory,
            kept,
            _lock: lock,
        };
        staging.sweep()?;
        Ok(staging)
    }

    fn sweep(&self) -> Result<()> {
        for name in self.directory.list()? {
            if is_ours(&name) && name != LOCK && !self.kept.contains(&name) {
                self.directory.remove(&name)?;
            }
        }
        Ok(())
    }

    /// From now on these are the files to keep; those of the commit before are removed, which
    /// readers that hold them do not notice.
    fn committed(&mut self, manifest: &Manifest) -> Result<()> {
        self.kept = manifest
            .files
            .iter()
            .map(|f| file_name(f.kind, f.number))
            .collect();
        self.sweep()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is swept by the next build.
        let _ = self.sweep();
        if let Ok(false) = self.directory.exists(MANIFEST) {
            let _ = self.directory.remove(LOCK);
            let _ = self.directory.remove_directory();
        }
    }
}
