//! A shared handle on the newest commit of an index of text, for servers.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::error::Result;
use super::model::Silent;
use super::searcher::{Reload, SearcherOptions, TextSearcher};

/// The newest known commit of an index of text, shared by all threads of a server: what
/// [`colidx_core::IndexReader`] is for vectors.
///
/// Each request takes a [`TextReader::searcher`] and uses it throughout, so that all it sees is of
/// one commit. Any thread may reload meanwhile. An index that was rebuilt with another
/// checkpoint is never searched with the old one. A clone is cheap, and shares the state with the
/// original.
///
/// ```no_run
/// # use colidx::{TextError, TextReader};
/// # use std::time::Duration;
/// # fn request(reader: &TextReader, query: &str) -> Result<(), TextError> {
/// reader.reload_after(Duration::from_secs(1))?; // or log the error and search what is open
/// for hit in reader.searcher().search(query, 10)? {
///     println!("{} {}", hit.score, hit.title);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TextReader {
    shared: Arc<Shared>,
}

struct Shared {
    current: RwLock<TextSearcher>,
    /// When a newer commit was last looked for. Held while one thread reloads.
    checked: Mutex<Instant>,
}

impl From<TextSearcher> for TextReader {
    fn from(searcher: TextSearcher) -> TextReader {
        TextReader {
            shared: Arc::new(Shared {
                current: RwLock::new(searcher),
                checked: Mutex::new(Instant::now()),
            }),
        }
    }
}

impl TextReader {
    /// Opens the index at `path` and its checkpoint.
    ///
    /// # Errors
    /// As [`TextSearcher::open_with`].
    pub fn open(path: impl AsRef<Path>, options: SearcherOptions) -> Result<TextReader> {
        let searcher = TextSearcher::open_with(path, options, &mut Silent)?;
        Ok(TextReader::from(searcher))
    }

    /// A searcher at the current commit. It does not wait for a thread that reloads.
    pub fn searcher(&self) -> TextSearcher {
        let current = self.shared.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Moves on to the newest commit. Searches are not interrupted.
    ///
    /// # Errors
    /// As [`TextSearcher::reload`]; the reader stays at its commit.
    pub fn reload(&self) -> Result<Reload> {
        let checked = self.shared.checked.lock();
        self.reload_now(&mut checked.unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`TextReader::reload`], unless that was tried less than `interval` ago or another thread
    /// reloads: then nothing changes. Cheap enough to call for every request.
    ///
    /// # Errors
    /// As [`TextReader::reload`].
    pub fn reload_after(&self, interval: Duration) -> Result<Reload> {
        match self.shared.checked.try_lock() {
            Ok(mut checked) if checked.elapsed() >= interval => self.reload_now(&mut checked),
            _ => Ok(Reload::Unchanged),
        }
    }

    fn reload_now(&self, checked: &mut Instant) -> Result<Reload> {
        *checked = Instant::now();
        let mut newer = self.searcher();
        let found = newer.reload(&mut Silent)?;
        if found != Reload::Unchanged {
            let current = self.shared.current.write();
            *current.unwrap_or_else(PoisonError::into_inner) = newer;
        }
        Ok(found)
    }
}
