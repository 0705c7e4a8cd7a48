//! The handle that a server keeps.

use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::error::Result;
use super::model::Silent;
use super::searcher::{Reload, SearcherOptions, TextSearcher};

/// When a [`TextReader`] looks for a newer commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReloadPolicy {
    /// Only when [`TextReader::reload`] is called.
    #[default]
    Manual,
    /// When a searcher is asked for and the last look is so long ago. One caller looks, the others
    /// go on with the commit they have.
    Every(Duration),
}

/// Gives searchers at the newest commit to any number of threads. A searcher stays at its commit
/// while it lives.
pub struct TextReader {
    current: RwLock<TextSearcher>,
    looked: Mutex<Instant>,
    /// Held while a commit is opened, so that none takes the place of a newer one.
    reloading: Mutex<()>,
    policy: ReloadPolicy,
}

impl TextReader {
    /// Opens the index at `path` and its checkpoint.
    ///
    /// # Errors
    /// As [`TextSearcher::open_with`].
    pub fn open(
        path: impl AsRef<Path>,
        options: SearcherOptions,
        policy: ReloadPolicy,
    ) -> Result<TextReader> {
        let searcher = TextSearcher::open_with(path, options, &mut Silent)?;
        Ok(TextReader {
            current: RwLock::new(searcher),
            looked: Mutex::new(Instant::now()),
            reloading: Mutex::new(()),
            policy,
        })
    }

    /// A searcher at the newest commit that the policy has looked for.
    ///
    /// # Errors
    /// The newer commit cannot be opened. The next call looks again after the time of the policy,
    /// and until then gives the commit before.
    pub fn searcher(&self) -> Result<TextSearcher> {
        if let ReloadPolicy::Every(time) = self.policy
            && let Ok(mut looked) = self.looked.try_lock()
            && looked.elapsed() >= time
        {
            *looked = Instant::now();
            self.reload()?;
        }
        Ok(self.current())
    }

    /// Moves on to the newest commit. Searches go on meanwhile.
    ///
    /// # Errors
    /// As [`TextSearcher::reload`]; the reader then stays at its commit.
    pub fn reload(&self) -> Result<Reload> {
        let _reloading = self.reloading.lock();
        let mut newer = self.current();
        let found = newer.reload(&mut Silent)?;
        if found != Reload::Unchanged {
            let current = self.current.write();
            *current.unwrap_or_else(PoisonError::into_inner) = newer;
        }
        Ok(found)
    }

    fn current(&self) -> TextSearcher {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
