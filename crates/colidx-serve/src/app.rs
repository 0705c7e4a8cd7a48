//! What all requests share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use colidx::{CancelToken, IndexReader, Model};
use tokio::sync::Semaphore;

use crate::arrival;
use crate::checkpoints::{Checkpoint, Checkpoints};
use crate::encoding::EncodeQueue;
use crate::error::{ApiError, Result};
use crate::images::Images;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::options::{Options, ServeError};
use crate::served::{self, Served};
use crate::writer::Writer;

/// What all requests share.
pub(crate) struct App {
    pub indexes: BTreeMap<String, Arc<Served>>,
    pub checkpoints: Checkpoints,
    pub encoder: EncodeQueue,
    pub options: Options,
    pub metrics: Metrics,
    pub log: Log,
    /// Set when the service begins to stop.
    pub stopping: AtomicBool,
    /// Requests that may begin.
    pub requests: Semaphore,
    /// Bytes of bodies that may be held.
    pub bodies: Semaphore,
    /// Images that documents name.
    pub images: Option<Images>,
    /// Where searches compute; a search waits for one of its threads.
    pool: Arc<rayon::ThreadPool>,
    searching: AtomicUsize,
}

/// When a request must be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub Instant);

/// Threads that write, and what stops them.
pub(crate) struct Writers {
    pub stop: CancelToken,
    pub threads: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens indexes and begins to open their checkpoints.
    pub fn open(
        paths: &[PathBuf],
        options: Options,
        log: Log,
    ) -> Result<(App, Writers), ServeError> {
        let limits = &options.limits;
        let threads = match limits.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let pool = pool(threads, "colidx-search")?;
        // A commit must leave threads to those who search.
        let write_pool = pool_for_writers(threads)?;
        let checkpoints = Checkpoints::new(options.searcher.clone(), log.clone());
        let mut indexes = BTreeMap::new();
        let mut writers = Writers {
            stop: CancelToken::new(),
            threads: Vec::new(),
        };
        for (name, path) in served::find(paths)? {
            let reader = IndexReader::open(&path)?;
            let (pool, stop) = (Arc::clone(&write_pool), writers.stop.clone());
            let (writer, thread) = Writer::start(path, pool, stop, log.clone(), limits.queue)?;
            writers.threads.push(thread);
            let served = Served::new(name.clone(), reader, writer, &checkpoints);
            indexes.insert(name, Arc::new(served));
        }
        let app = App {
            indexes,
            checkpoints,
            encoder: EncodeQueue::start(Arc::clone(&pool), limits.queue)?,
            metrics: Metrics::new(options.commit),
            log,
            stopping: AtomicBool::new(false),
            requests: Semaphore::new(limits.concurrency),
            bodies: arrival::room(limits),
            images: options.images.as_deref().map(Images::open).transpose()?,
            pool,
            searching: AtomicUsize::new(0),
            options,
        };
        Ok((app, writers))
    }

    /// An index by name, at its newest commit.
    pub async fn index(self: &Arc<App>, name: &str) -> Result<Arc<Served>> {
        let Some(served) = self.indexes.get(name).map(Arc::clone) else {
            let names: Vec<&String> = self.indexes.keys().collect();
            let some: Vec<String> = names
                .iter()
                .take(5)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = if names.len() > some.len() {
                " and others"
            } else {
                ""
            };
            let message = format!("there is no index `{name}`, only {}{more}", some.join(", "));
            return Err(ApiError::not_found("unknown_index", message)
                .details(serde_json::json!({ "indexes": names })));
        };
        let (app, looked) = (Arc::clone(self), Arc::clone(&served));
        let look = move || looked.look(&app.checkpoints, &app.log);
        tokio::task::spawn_blocking(look)
            .await
            .map_err(ApiError::internal)?;
        Ok(served)
    }

    /// The checkpoint for requests that name no index: the one of the first index that has one.
    pub fn any_checkpoint(&self) -> Option<Arc<Checkpoint>> {
        self.indexes.values().find_map(|served| served.checkpoint())
    }

    /// The open checkpoint of an index.
    pub async fn model(&self, served: &Served) -> Result<Arc<Model>> {
        match served.checkpoint() {
            Some(checkpoint) => checkpoint.ready().await,
            None => Err(no_model(&served.name)),
        }
    }

    /// Whether all that is served can be asked for.
    pub fn is_ready(&self) -> bool {
        let open = |served: &Arc<Served>| match served.checkpoint() {
            Some(checkpoint) => checkpoint.is_open() == Some(true),
            None => true,
        };
        !self.stopping.load(Ordering::Relaxed) && self.indexes.values().all(open)
    }

    /// Computes on the pool. The token is set when the client gives up; `alone` says whether nobody
    /// else computes.
    pub async fn compute<T: Send + 'static>(
        self: &Arc<App>,
        work: impl FnOnce(&CancelToken, bool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let gone = CancelOnDrop(CancelToken::new());
        let (token, app) = (gone.0.clone(), Arc::clone(self));
        let run = move || {
            if token.is_cancelled() {
                return Err(colidx::Error::SearchCancelled.into());
            }
            let alone = app.searching.fetch_add(1, Ordering::Relaxed) == 0;
            let counted = Counted(&app.searching);
            let done = app.pool.install(|| work(&token, alone));
            drop(counted);
            done
        };
        tokio::task::spawn_blocking(run)
            .await
            .map_err(ApiError::internal)?
    }
}

/// That an index of vectors was asked about text.
pub(crate) fn no_model(index: &str) -> ApiError {
    ApiError::invalid(format!(
        "the index `{index}` was built from vectors and names no checkpoint; give vectors instead \
         of text"
    ))
}

struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Counts down even when the work panics.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn pool_for_writers(threads: usize) -> Result<Arc<rayon::ThreadPool>, ServeError> {
    pool((threads / 2).max(1), "colidx-commit")
}

fn pool(threads: usize, name: &'static str) -> Result<Arc<rayon::ThreadPool>, ServeError> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = builder.thread_name(move |n| format!("{name}-{n}")).build();
    pool.map(Arc::new).map_err(|error| ServeError::Setup {
        what: "threads",
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use colidx::{BuildOptions, IndexWriter, NoProgress, NoVectors};

    use super::*;

    #[test]
    fn work_ends_when_its_client_gives_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.colidx");
        let mut writer = IndexWriter::create(&path, BuildOptions::default().dim(2)).unwrap();
        writer.add_vectors("a", &[1.0, 0.0], &[]).unwrap();
        writer.commit(&mut NoVectors, &NoProgress).unwrap();
        let opened = App::open(&[path], Options::default(), Log::new(|_| {}));
        let (app, _writers) = opened.unwrap();
        let app = Arc::new(app);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let work = move |gone: &CancelToken, _| {
            let began = Instant::now();
            while !gone.is_cancelled() && began.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = tell.send(gone.is_cancelled());
            Ok(())
        };
        let patience = Duration::from_millis(50);
        let waited =
            runtime.block_on(async { tokio::time::timeout(patience, app.compute(work)).await });
        assert!(waited.is_err());
        assert!(told.recv_timeout(Duration::from_secs(20)).unwrap());
    }
}
