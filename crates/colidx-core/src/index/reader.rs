//! A shared handle on the newest state of an index, for servers.

use super::Index;
use crate::error::Result;
use crate::storage::Directory;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

/// The newest known state of an index, shared by all threads of a server.
///
/// Each request takes an [`IndexReader::index`] and uses it throughout, so that all it sees is of
/// one state. Any thread may reload meanwhile: requests under way keep their state, later ones get
/// the new one. A clone is cheap, and shares the state with the original.
///
/// ```no_run
/// # use colidx_core::*;
/// # use std::time::Duration;
/// # fn request(reader: &IndexReader, query: &Query) -> Result<(), Error> {
/// reader.reload_after(Duration::from_secs(1))?; // or log the error and keep the current one
/// let index = reader.index();
/// let results = index.search(query, &SearchOptions::default())?;
/// for hit in &results.hits {
///     println!("{} {}", hit.score, index.document(hit.doc)?.title);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct IndexReader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: RwLock<Index>,
    /// When a newer commit was last looked for. Held while one thread reloads.
    checked: Mutex<Instant>,
}

impl From<Index> for IndexReader {
    fn from(index: Index) -> Self {
        Self {
            shared: Arc::new(Shared {
                current: RwLock::new(index),
                checked: Mutex::new(Instant::now()),
            }),
        }
    }
}

impl IndexReader {
    /// Opens the newest commit of an index.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Index::open(path).map(Self::from)
    }

    /// As [`IndexReader::open`], from any directory.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn open_in(directory: &Directory) -> Result<Self> {
        Index::open_in(directory).map(Self::from)
    }

    /// The current state. It does not wait for a thread that reloads.
    pub fn index(&self) -> Index {
        let current = self.shared.current.read();
        current.unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Moves on to the newest commit. Returns whether there was a newer one.
    ///
    /// # Errors
    ///
    /// As [`Index::open`]; the current state is kept.
    pub fn reload(&self) -> Result<bool> {
        let checked = self.shared.checked.lock();
        self.reload_now(&mut checked.unwrap_or_else(|e| e.into_inner()))
    }

    /// As [`IndexReader::reload`], but returns `false` at once when one was attempted less than
    /// `interval` ago, or while another thread reloads. Cheap enough to call for every request.
    ///
    /// # Errors
    ///
    /// As [`Index::open`]; the current state is kept.
    pub fn reload_after(&self, interval: Duration) -> Result<bool> {
        match self.shared.checked.try_lock() {
            Ok(mut checked) if checked.elapsed() >= interval => self.reload_now(&mut checked),
            _ => Ok(false),
        }
    }

    fn reload_now(&self, checked: &mut Instant) -> Result<bool> {
        *checked = Instant::now();
        let Some(newer) = self.index().reload()? else {
            return Ok(false);
        };
        let current = self.shared.current.write();
        *current.unwrap_or_else(|e| e.into_inner()) = newer;
        Ok(true)
    }
}
