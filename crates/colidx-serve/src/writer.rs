//! The writer of one index: changes that wait are committed together, and answered once they are
//! durable.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::http::StatusCode;
use colidx::text::EncoderSource;
use colidx::{
    CancelToken, Error, Index, IndexWriter, Model, NewDocument, NoVectors, WriterOptions,
};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use crate::api::matching;
use crate::error::{ApiError, Result};
use crate::log::Log;
use crate::options::ServeError;
use crate::vectors::Vectors;

/// Most changes that are committed together.
const BATCH: usize = 256;

/// How often, and after how long, an index that another program writes to is tried again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// A document to store.
#[derive(Debug)]
pub(crate) struct StoredDocument {
    pub key: String,
    pub title: String,
    pub text: String,
    /// A JSON object, or empty.
    pub metadata: String,
    /// Its vectors; without them its text is encoded.
    pub vectors: Option<Vectors>,
    /// Vocabulary ids of the vectors' tokens, or none.
    pub token_ids: Vec<u32>,
}

/// What a request asks for: all of it happens, or nothing.
#[derive(Debug)]
pub(crate) enum Change {
    Add(Vec<StoredDocument>),
    Update(Vec<StoredDocument>),
    Delete(Vec<String>),
    /// The documents whose metadata match a filter.
    DeleteMatching(String),
    Compact,
}

/// What a change did.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// Documents that are new.
    pub added: u64,
    /// Documents that took the place of others.
    pub replaced: u64,
    /// Documents that were deleted.
    pub deleted: u64,
    /// The commit that holds the change.
    pub generation: u64,
    /// Keys of the documents that are longer than the model reads: searches by vectors know only
    /// their beginning.
    pub truncated: Vec<String>,
}

impl Change {
    /// The documents that it stores.
    pub fn documents(&self) -> &[StoredDocument] {
        match self {
            Change::Add(documents) | Change::Update(documents) => documents,
            Change::Delete(_) | Change::DeleteMatching(_) | Change::Compact => &[],
        }
    }
}

struct Job {
    change: Change,
    /// What encodes text; `None` for an index of vectors.
    model: Option<Arc<Model>>,
    reply: oneshot::Sender<Result<Changed>>,
}

impl Job {
    fn answer(self, answer: Result<Changed>) {
        // Whoever gave up does not hear of it.
        let _ = self.reply.send(answer);
    }
}

/// A way to the thread that writes.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts a thread for the index at `path`, which computes on `pool`, stops its work with
    /// `stop` and ends when all handles are gone. `room` requests may wait.
    pub fn start(
        path: PathBuf,
        pool: Arc<rayon::ThreadPool>,
        stop: CancelToken,
        log: Log,
        room: usize,
    ) -> Result<(Writer, JoinHandle<()>), ServeError> {
        let (jobs, receiver) = mpsc::channel(room.max(1));
        let thread = Thread {
            path,
            pool,
            stop,
            log,
        };
        let handle = std::thread::Builder::new()
            .name("colidx-write".to_owned())
            .spawn(move || thread.run(receiver))
            .map_err(ServeError::setup("a thread to write"))?;
        Ok((Writer { jobs }, handle))
    }

    /// Makes a change, and returns once it is durable.
    pub async fn change(&self, change: Change, model: Option<Arc<Model>>) -> Result<Changed> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            change,
            model,
            reply,
        };
        self.jobs.try_send(job).map_err(|_| {
            let message = "too many changes wait to be committed; try again in a second";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
        })?;
        answer.await.map_err(ApiError::internal)?
    }
}

struct Thread {
    path: PathBuf,
    pool: Arc<rayon::ThreadPool>,
    stop: CancelToken,
    log: Log,
}

impl Thread {
    fn run(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH {
                let Ok(job) = jobs.try_recv() else { break };
                batch.push(job);
            }
            batch.retain(|job| !job.reply.is_closed());
            self.pool.install(|| self.write(batch));
        }
    }

    /// Commits changes together. Where that fails, each alone, so that only the bad one fails.
    fn write(&self, mut batch: Vec<Job>) {
        let compactions = batch.extract_if(.., |job| matches!(job.change, Change::Compact));
        let compactions: Vec<Job> = compactions.collect();
        if !batch.is_empty() {
            self.write_documents(batch);
        }
        if !compactions.is_empty() {
            let done = self.compact();
            for job in compactions {
                job.answer(done.clone());
            }
        }
    }

    fn write_documents(&self, mut batch: Vec<Job>) {
        match self.commit(&batch) {
            Ok((changed, writer)) => {
                let answers = batch.into_iter().zip(changed);
                answers.for_each(|(job, changed)| job.answer(Ok(changed)));
                self.merge(writer);
            }
            Err(error) if batch.len() == 1 => {
                batch
                    .drain(..)
                    .for_each(|job| job.answer(Err(error.clone())));
            }
            Err(_) => batch
                .into_iter()
                .for_each(|job| self.write_documents(vec![job])),
        }
    }

    /// Commits jobs, all or none. The index is held for writing only meanwhile, so that other
    /// programs can write to it too.
    fn commit(&self, jobs: &[Job]) -> Result<(Vec<Changed>, IndexWriter)> {
        let mut writer = self.open()?;
        let mut changed = Vec::with_capacity(jobs.len());
        for job in jobs {
            if let (Some(model), Some(index)) = (&job.model, writer.index()) {
                model.check(index)?;
            }
            changed.push(stage(&mut writer, &job.change)?);
        }
        let mut truncated = HashSet::new();
        let report = match jobs.iter().find_map(|job| job.model.as_ref()) {
            None => writer.commit(&mut NoVectors, &self.stop)?,
            Some(model) => {
                let stopped = || self.stop.is_cancelled();
                let mut source = EncoderSource::new(model.encoder())
                    .cancelled_by(&stopped)
                    .keeping_truncated(usize::MAX);
                let report = writer.commit(&mut source, &self.stop)?;
                truncated.extend(source.truncated().keys().map(str::to_owned));
                report
            }
        };
        for (changed, job) in changed.iter_mut().zip(jobs) {
            changed.generation = report.generation;
            let stored = job.change.documents().iter().map(|document| &document.key);
            changed.truncated = stored
                .filter(|&key| truncated.contains(key))
                .cloned()
                .collect();
        }
        Ok((changed, writer))
    }

    fn merge(&self, mut writer: IndexWriter) {
        if let Err(error) = writer.merge(&self.stop) {
            let path = self.path.display();
            let line = format!("{path}: not merged, the next commit tries again: {error}");
            self.log.note(&line);
        }
    }

    fn compact(&self) -> Result<Changed> {
        let report = self.open()?.compact(&self.stop)?;
        Ok(Changed {
            generation: report.generation,
            ..Changed::default()
        })
    }

    /// Takes the index for writing; another program may have it for a moment.
    fn open(&self) -> Result<IndexWriter> {
        let model = Index::open(&self.path)?.model().cloned();
        let options = WriterOptions::default().model(model).merge(false);
        for _ in 0..TRIES {
            match IndexWriter::open(&self.path, options.clone()) {
                Err(Error::Locked { .. }) if !self.stop.is_cancelled() => {
                    std::thread::sleep(PAUSE);
                }
                opened => return Ok(opened?),
            }
        }
        Ok(IndexWriter::open(&self.path, options)?)
    }
}

/// Makes a change, to be committed.
fn stage(writer: &mut IndexWriter, change: &Change) -> Result<Changed> {
    let mut changed = Changed::default();
    match change {
        Change::Add(documents) => {
            for document in documents {
                let new = document.borrowed();
                match &document.vectors {
                    None => writer.add(new)?,
                    Some(vectors) => {
                        writer.add_vectors(new, &vectors.values, &document.token_ids)?;
                    }
                }
                changed.added += 1;
            }
        }
        Change::Update(documents) => {
            for document in documents {
                let new = document.borrowed();
                let replaced = match &document.vectors {
                    None => writer.update(new)?,
                    Some(vectors) => {
                        writer.update_vectors(new, &vectors.values, &document.token_ids)?
                    }
                };
                match replaced {
                    true => changed.replaced += 1,
                    false => changed.added += 1,
                }
            }
        }
        Change::Delete(keys) => {
            for key in keys {
                changed.deleted += u64::from(writer.delete(key)?);
            }
        }
        Change::DeleteMatching(filter) => {
            if let Some(index) = writer.index().cloned() {
                for doc in matching(&index, filter)?.iter() {
                    changed.deleted += u64::from(writer.delete(index.key(doc)?)?);
                }
            }
        }
        Change::Compact => {}
    }
    Ok(changed)
}

impl StoredDocument {
    fn borrowed(&self) -> NewDocument<'_> {
        NewDocument::new(&self.key)
            .title(&self.title)
            .text(&self.text)
            .metadata(&self.metadata)
    }
}
