//! One queue for everything that is encoded: queries that wait are encoded together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use colidx::Model;
use colidx::encoder::{EncodedDocument, EncodedQuery, EncoderError};
use tokio::sync::{mpsc, oneshot};

use crate::error::{ApiError, Result};
use crate::options::ServeError;

/// Most texts that are encoded together: a query waits for one such batch at most.
const BATCH: usize = 32;

/// A way to the thread that encodes.
#[derive(Clone)]
pub(crate) struct EncodeQueue {
    jobs: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

type Encode<'a, T> = dyn Fn(&[&str]) -> Result<Vec<T>, EncoderError> + 'a;

struct Job {
    model: Arc<Model>,
    work: Work,
}

enum Work {
    Queries(Texts<EncodedQuery>),
    Documents(Texts<EncodedDocument>),
}

/// Texts, and who waits for their vectors.
struct Texts<T> {
    texts: Vec<String>,
    reply: oneshot::Sender<Result<Vec<T>>>,
}

impl EncodeQueue {
    /// Starts the thread, which computes on `pool`. `room` requests may wait.
    pub fn start(pool: Arc<rayon::ThreadPool>, room: usize) -> Result<EncodeQueue, ServeError> {
        let (jobs, receiver) = mpsc::channel(room.max(1));
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("colidx-encode".to_owned())
            .spawn(move || run(receiver, &pool, &left))
            .map_err(ServeError::setup("a thread to encode"))?;
        Ok(EncodeQueue { jobs, waiting })
    }

    /// Jobs that wait or are being encoded.
    pub fn depth(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A turn at the queue, for texts that `model` encodes.
    pub fn turn<'a>(&'a self, model: &'a Arc<Model>) -> Turn<'a> {
        Turn {
            queue: self,
            model,
            begun: false,
        }
    }
}

/// What one request encodes, a few texts at a time, so that others get in between. Where the queue
/// is full the first texts are refused; later ones wait.
pub(crate) struct Turn<'a> {
    queue: &'a EncodeQueue,
    model: &'a Arc<Model>,
    begun: bool,
}

impl Turn<'_> {
    /// Texts to give at a time where the vectors of all would take too much memory.
    pub const TEXTS: usize = BATCH;

    /// Encodes queries.
    pub async fn queries(&mut self, texts: &[String]) -> Result<Vec<EncodedQuery>> {
        self.in_parts(texts, Work::Queries).await
    }

    /// Encodes documents.
    pub async fn documents(&mut self, texts: &[String]) -> Result<Vec<EncodedDocument>> {
        self.in_parts(texts, Work::Documents).await
    }

    async fn in_parts<T>(
        &mut self,
        texts: &[String],
        work: fn(Texts<T>) -> Work,
    ) -> Result<Vec<T>> {
        let jobs = &self.queue.jobs;
        let mut encoded = Vec::with_capacity(texts.len());
        for part in texts.chunks(BATCH) {
            let permit = match self.begun {
                false => jobs.try_reserve().map_err(|_| busy())?,
                true => jobs.reserve().await.map_err(ApiError::internal)?,
            };
            self.begun = true;
            let (reply, answer) = oneshot::channel();
            let texts = part.to_vec();
            self.queue.waiting.fetch_add(1, Ordering::Relaxed);
            permit.send(Job {
                model: Arc::clone(self.model),
                work: work(Texts { texts, reply }),
            });
            encoded.append(&mut answer.await.map_err(ApiError::internal)??);
        }
        Ok(encoded)
    }
}

fn busy() -> ApiError {
    let message = "too many requests wait to be encoded; try again in a second";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
}

impl Work {
    fn len(&self) -> usize {
        match self {
            Work::Queries(texts) => texts.texts.len(),
            Work::Documents(texts) => texts.texts.len(),
        }
    }

    /// Whether the client gave up.
    fn is_abandoned(&self) -> bool {
        match self {
            Work::Queries(texts) => texts.reply.is_closed(),
            Work::Documents(texts) => texts.reply.is_closed(),
        }
    }
}

/// Takes all jobs that wait, up to a batch, and encodes them together.
fn run(mut jobs: mpsc::Receiver<Job>, pool: &rayon::ThreadPool, waiting: &AtomicUsize) {
    while let Some(first) = jobs.blocking_recv() {
        let mut texts = first.work.len();
        let mut batch = vec![first];
        while texts < BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            texts += job.work.len();
            batch.push(job);
        }
        let taken = batch.len();
        batch.retain(|job| !job.work.is_abandoned());
        while let Some(job) = batch.first() {
            let model = Arc::clone(&job.model);
            let same = batch.extract_if(.., |job| Arc::ptr_eq(&job.model, &model));
            let works: Vec<Work> = same.map(|job| job.work).collect();
            // After a panic the waiting request gets an error, and the thread continues.
            let encode = || pool.install(|| encode(&model, works));
            let _ = catch_unwind(AssertUnwindSafe(encode));
        }
        waiting.fetch_sub(taken, Ordering::Relaxed);
    }
}

fn encode(model: &Model, works: Vec<Work>) {
    let (mut queries, mut documents) = (Vec::new(), Vec::new());
    for work in works {
        match work {
            Work::Queries(texts) => queries.push(texts),
            Work::Documents(texts) => documents.push(texts),
        }
    }
    let encoder = model.encoder();
    together(queries, &|texts| encoder.encode_queries(texts));
    together(documents, &|texts| encoder.encode_documents(texts));
}

/// Encodes all texts at once. Where that fails, each job alone, so that only the bad one fails.
fn together<T>(jobs: Vec<Texts<T>>, encode: &Encode<'_, T>) {
    if jobs.is_empty() {
        return;
    }
    let texts = jobs.iter().flat_map(|job| &job.texts);
    let texts: Vec<&str> = texts.map(String::as_str).collect();
    match encode(&texts) {
        Ok(encoded) => {
            let mut encoded = encoded.into_iter();
            for job in jobs {
                let part = encoded.by_ref().take(job.texts.len()).collect();
                let _ = job.reply.send(Ok(part));
            }
        }
        Err(error) if jobs.len() == 1 => {
            for job in jobs {
                let _ = job.reply.send(Err(ApiError::internal(&error)));
            }
        }
        Err(_) => jobs.into_iter().for_each(|job| together(vec![job], encode)),
    }
}
