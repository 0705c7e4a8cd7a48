//! A corpus: documents streamed from any mix of files, folders and standard input.

mod code;
mod csv;
mod file;
mod folder;
mod format;
mod html;
mod jsonl;
mod key_path;
mod long_records;
mod markdown;
mod options;
mod passage_reader;
mod passages;
mod records;
mod table;
mod text;
mod tsv;
mod walk;
mod whole;

use std::collections::VecDeque;
use std::io::Read;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Map, Value};

use crate::error::{InputError, Place};
use crate::files::{STANDARD_INPUT, Source, file_name, unreadable};
use crate::skipped::{SkipReason, Skipped};
use file::OpenFile;
use format::{DocumentReader, ReadFault};
use key_path::{absolute, common_folder, key_path, way};
use walk::Walk;
use whole::Seen;

pub use format::{Format, UnknownFormatName};
pub use options::{CorpusOptions, CorpusReport, UnusedOption};
pub use passages::TokenCounter;
pub(crate) use records::FieldNames;
pub use whole::Whole;

/// One document of a corpus.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The key: the id of the line, or for a passage `path#number`, where the path is relative to
    /// the deepest folder that holds all files and folders the corpus names, and passages count
    /// from 1. For a passage of source code its lines follow, as in `lib.rs#2:41-80`.
    pub key: String,
    /// The title; empty if there is none. For a passage of Markdown, the headings above it joined
    /// by ` > `.
    pub title: String,
    /// The text; may be empty.
    pub text: String,
    /// Further fields of a JSON object; for a passage `path`, `line_start` and `line_end`, and
    /// `root` where the index is known; for Markdown, the scalar fields of its front matter too.
    pub metadata: Map<String, Value>,
    /// Whether it was cut from a file, and is not a record given whole.
    pub is_passage: bool,
    /// Where the document stands, for messages about it.
    pub place: Place,
}

/// How many messages about bad lines a report keeps.
const MESSAGES: usize = 5;

/// An iterator over the documents of a corpus, in the order of its inputs. After an error it ends.
///
/// Memory is bounded by the line limit, whatever the size of the corpus.
pub struct Corpus {
    options: CorpusOptions,
    inputs: VecDeque<Input>,
    paths: Vec<PathBuf>,
    root: PathBuf,
    /// The way to the root from the index.
    way: Option<Arc<str>>,
    folder: Option<Folder>,
    open: Option<Opened>,
    report: CorpusReport,
    read: Arc<AtomicU64>,
    /// What passages were cut from, if it is asked for.
    wholes: Vec<Seen>,
    /// Whether there was an error.
    ended: bool,
}

/// A folder that is being read.
struct Folder {
    path: PathBuf,
    walk: Walk,
    /// Documents that came before it.
    before: u64,
    /// What it gave nothing of.
    skipped: Skipped,
}

/// A file that is being read.
struct Opened {
    name: Arc<str>,
    documents: Box<dyn DocumentReader>,
    has_records: bool,
    /// Whether bytes of it were replaced.
    replaced: Arc<AtomicBool>,
    /// Documents that came before it.
    before: u64,
}

enum Input {
    File(PathBuf, Format),
    Folder(PathBuf),
    Opened(Source, Format),
}

impl Corpus {
    /// A corpus of files, folders and `-` for standard input. Every input is looked at before any
    /// is read.
    ///
    /// # Errors
    /// No input, standard input named twice, an input that does not exist, or one whose format
    /// nothing tells.
    pub fn open<P: AsRef<Path>>(
        inputs: &[P],
        options: CorpusOptions,
    ) -> Result<Corpus, InputError> {
        if inputs.is_empty() {
            return Err(InputError::NoInput);
        }
        let mut corpus = Corpus::empty(options);
        let mut folders = Vec::new();
        for path in inputs {
            let path = path.as_ref();
            let unreadable = |source| unreadable(path, source);
            if path.as_os_str() == "-" {
                if corpus.paths.iter().any(|path| path.as_os_str() == "-") {
                    return Err(InputError::StandardInputTwice);
                }
                corpus.inputs.push_back(Input::File(
                    path.to_owned(),
                    corpus.options.format.unwrap_or(Format::JSONL),
                ));
            } else {
                let metadata = path.metadata().map_err(unreadable)?;
                let absolute = absolute(path).map_err(unreadable)?;
                if metadata.is_dir() {
                    folder::check(path, corpus.options.index_magic)?;
                    corpus.inputs.push_back(Input::Folder(path.to_owned()));
                    folders.push(absolute);
                } else {
                    // A pipe's name says nothing about its content: treat it like standard input.
                    let piped = (!metadata.is_file()).then_some(Format::JSONL);
                    let format = corpus
                        .options
                        .format
                        .or_else(|| Format::of_path(path))
                        .or(piped);
                    let format = format.ok_or_else(|| folder::unknown(path))?;
                    corpus
                        .inputs
                        .push_back(Input::File(path.to_owned(), format));
                    folders.extend(absolute.parent().map(Path::to_owned));
                }
            }
            corpus.paths.push(path.to_owned());
        }
        corpus.root = common_folder(&folders);
        if let Some(index) = &corpus.options.index
            && !folders.is_empty()
        {
            let way = way(index, &corpus.root).map_err(|source| unreadable(index, source))?;
            corpus.way = Some(way.into());
        }
        Ok(corpus)
    }

    /// A corpus read from one reader; `file` names it in messages, and passages are keyed by it.
    ///
    /// # Errors
    /// The first bytes cannot be read, or are not of the compression that the name promises.
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        file: &str,
        format: Format,
        options: CorpusOptions,
    ) -> Result<Corpus, InputError> {
        let mut corpus = Corpus::empty(options);
        let source = Source::new(file.into(), reader, &corpus.read)?;
        corpus.inputs.push_back(Input::Opened(source, format));
        Ok(corpus)
    }

    fn empty(options: CorpusOptions) -> Corpus {
        Corpus {
            options,
            inputs: VecDeque::new(),
            paths: Vec::new(),
            root: PathBuf::new(),
            way: None,
            folder: None,
            open: None,
            report: CorpusReport::default(),
            read: Arc::default(),
            wholes: Vec::new(),
            ended: false,
        }
    }

    /// From the next file on, limits passages to `tokens` together with their title, for a caller
    /// who opens the model after the corpus; see [`CorpusOptions::passage_tokens`].
    pub fn limit_passages(&mut self, tokens: usize, counter: Arc<dyn TokenCounter>) {
        self.options = mem::take(&mut self.options).passage_tokens(tokens, counter);
    }

    /// What was given so far; complete once the iterator has ended.
    pub fn report(&self) -> &CorpusReport {
        &self.report
    }

    /// The files of text that were read, and with [`CorpusOptions::split_long`] the records: empty
    /// without [`CorpusOptions::keep_wholes`].
    ///
    /// # Errors
    /// The working directory is gone, which relative paths begin at.
    pub fn wholes(&self) -> impl Iterator<Item = Result<Whole, InputError>> + '_ {
        let index = self.options.index.as_deref();
        let wholes = self.wholes.iter();
        wholes.map(move |seen| seen.whole(&self.root, index))
    }

    /// Remembers the record that a document is, or was cut from.
    fn see_record(&mut self, document: &Document) {
        let whole = document
            .key
            .rsplit_once('#')
            .filter(|_| document.is_passage);
        let key = whole.map_or(&*document.key, |(key, _)| key);
        if !matches!(self.wholes.last(), Some(Seen::Record { key: last }) if last == key) {
            let key = key.to_owned();
            self.wholes.push(Seen::Record { key });
        }
    }

    /// Bytes read from the disk or standard input so far, before decompression.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The size of all files, before decompression; `None` where standard input or a pipe takes
    /// part or a file cannot be looked at. Walks the folders.
    pub fn bytes_total(&self) -> Option<u64> {
        let size = |path: &Path| {
            path.metadata()
                .ok()
                .filter(|metadata| metadata.is_file())
                .map(|file| file.len())
        };
        let mut total = 0;
        for path in &self.paths {
            if path.is_dir() {
                for file in Walk::new(path, &self.options).ok()? {
                    total += size(&file.ok()?)?;
                }
            } else {
                total += size(path)?;
            }
        }
        (!self.paths.is_empty()).then_some(total)
    }

    fn next_document(&mut self) -> Result<Option<Document>, InputError> {
        loop {
            if let Some(open) = &mut self.open {
                match open.documents.next_document() {
                    Ok(Some(document)) => {
                        let (report, records) = (&mut self.report, open.has_records);
                        report.documents += 1;
                        let has = |text: &str| !text.trim().is_empty();
                        let (title, text) = (has(&document.title), has(&document.text));
                        report.empty += u64::from(!text);
                        report.blank += u64::from(!text && !title);
                        report.passages += u64::from(document.is_passage);
                        report.records += u64::from(records);
                        report.titled += u64::from(records && title);
                        if self.options.keep_wholes && records && self.options.split_long {
                            self.see_record(&document);
                        }
                        return Ok(Some(document));
                    }
                    Ok(None) => self.close(),
                    Err(ReadFault::Line(place, fault)) => {
                        if !self.options.skip_bad_lines || fault.is_of_whole_file() {
                            return Err(InputError::BadLine { place, fault });
                        }
                        self.report.bad_lines += 1;
                        if self.report.bad_line_messages.len() < MESSAGES {
                            self.report
                                .bad_line_messages
                                .push(format!("{place}: {fault}"));
                        }
                    }
                    Err(ReadFault::Input(error)) => return Err(error),
                }
            } else if !self.open_next()? {
                let inputs: Vec<_> = self.paths.iter().map(|path| file_name(path)).collect();
                self.need_documents(0, inputs.join(", "), self.report.skipped.clone())?;
                return Ok(None);
            }
        }
    }

    /// Closes the current file. A file without documents is not an error, but is reported.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.replaced.load(Ordering::Relaxed) {
            self.report.replaced += 1;
            let example = &mut self.report.replaced_example;
            example.get_or_insert_with(|| open.name.to_string());
        }
        if self.report.documents == open.before {
            let skipped = match &mut self.folder {
                Some(folder) => &mut folder.skipped,
                None => &mut self.report.skipped,
            };
            skipped.add(SkipReason::Empty, &open.name);
        }
    }

    /// An input that gives nothing is a mistake: an index of nothing would take the place of a good
    /// one.
    fn need_documents(
        &self,
        before: u64,
        inputs: String,
        skipped: Skipped,
    ) -> Result<(), InputError> {
        if self.report.documents > before {
            return Ok(());
        }
        Err(InputError::NoDocuments {
            inputs,
            skipped,
            bad_lines: self.report.bad_lines,
            formats: Format::list(),
        })
    }

    /// Opens the next file, if there is one.
    fn open_next(&mut self) -> Result<bool, InputError> {
        if let Some(folder) = &mut self.folder {
            if let Some(path) = folder.walk.next().transpose()? {
                // Files of records are corpora, whose faults are told; of the others, whatever they
                // are called, those that are no text are skipped.
                let named = Format::of_path(&path);
                let mut source = Source::open(&path, &self.read)?;
                let is_corpus = named.is_some_and(Format::has_records);
                let unknown = named.or(self.options.format).is_none();
                if !is_corpus && source.is_binary(unknown)? {
                    folder.skipped.add_path(SkipReason::Binary, &path);
                } else {
                    let format = self.options.format.or(named).unwrap_or(Format::CODE);
                    self.start(source, format, Some(&path))?;
                }
            } else if let Some(mut folder) = self.folder.take() {
                folder.skipped.append(folder.walk.skipped);
                self.report.skipped.append(folder.skipped.clone());
                let name = file_name(&folder.path).to_string();
                self.need_documents(folder.before, name, folder.skipped)?;
            }
            return Ok(true);
        }
        match self.inputs.pop_front() {
            None => return Ok(false),
            Some(Input::Folder(path)) => {
                self.report.folders += 1;
                self.folder = Some(Folder {
                    walk: Walk::new(&path, &self.options)?,
                    path,
                    before: self.report.documents,
                    skipped: Skipped::default(),
                });
            }
            Some(Input::File(path, format)) => {
                let source = Source::open(&path, &self.read)?;
                let path = (path.as_os_str() != "-").then_some(path);
                self.start(source, format, path.as_deref())?;
            }
            Some(Input::Opened(source, format)) => self.start(source, format, None)?,
        }
        Ok(true)
    }

    fn start(
        &mut self,
        source: Source,
        format: Format,
        path: Option<&Path>,
    ) -> Result<(), InputError> {
        self.report.files += 1;
        let name = Arc::clone(&source.file);
        let key = match path {
            Some(path) => key_path(path, &self.root)?,
            None if *source.file == *STANDARD_INPUT => "stdin".to_owned(),
            None => source.file.to_string(),
        };
        if let Some(path) = path
            && self.options.keep_wholes
            && !format.has_records()
        {
            let (path, key_path) = (path.to_owned(), key.clone());
            self.wholes.push(Seen::File { path, key_path });
        }
        let mut file = OpenFile::new(source, key, self.options.line_limit);
        file.root = path.and(self.way.clone());
        if self.folder.is_some() && !format.has_records() {
            // One file in another encoding is no reason to read nothing of a folder.
            file = file.lossy();
        }
        let replaced = Arc::clone(&file.replaced);
        let documents = format.open(file, &self.options);
        self.open = Some(Opened {
            name,
            documents,
            has_records: format.has_records(),
            replaced,
            before: self.report.documents,
        });
        Ok(())
    }
}

impl Iterator for Corpus {
    type Item = Result<Document, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_document().transpose();
        if matches!(next, Some(Err(_))) {
            self.ended = true;
        }
        next
    }
}

#[cfg(test)]
mod tests;
