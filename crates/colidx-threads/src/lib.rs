//! How many threads colidx uses, and what it does where none can be started.
//!
//! The libraries of colidx compute on the current rayon pool. Outside of a pool rayon creates a
//! global one on first use, and panics where the system has no threads left. Call [`ready`] before:
//! at worst everything then runs on the calling thread.

#![forbid(unsafe_code)]

use std::error::Error;
use std::num::NonZero;
use std::sync::OnceLock;
use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;

/// Maximum threads of a pool: more than any machine can use, few enough to start in a moment.
pub const MOST: usize = 1024;

/// Address space that a thread may take: its stack and an arena of the allocator.
const THREAD_BYTES: usize = 72 << 20;

/// The default number of threads: `RAYON_NUM_THREADS` if that is a number, at most [`MOST`], else
/// one per core; fewer where the address space is too small for that many.
pub fn count() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok();
    affordable(count_of(asked.as_deref()))
}

/// `threads`, halved until there is address space for them.
///
/// A thread that gets no memory while it starts ends the process, so it must not be tried.
pub fn affordable(threads: usize) -> usize {
    let mut threads = threads.clamp(1, MOST);
    while threads > 1 {
        // Reserved and given back, never touched: no memory is used.
        let room = Vec::<u8>::new().try_reserve_exact(threads.saturating_mul(THREAD_BYTES));
        if room.is_ok() {
            break;
        }
        threads /= 2;
    }
    threads
}

fn count_of(asked: Option<&str>) -> usize {
    let asked = asked
        .and_then(|n| n.parse().ok())
        .filter(|&n: &usize| n > 0);
    let cores = || available_parallelism().map_or(1, NonZero::get);
    asked.unwrap_or_else(cores).min(MOST)
}

/// Makes rayon usable on this thread. Without a pool a global one of [`count`] threads is created.
/// Where the system starts no threads, this thread becomes a pool of its own until it ends.
pub fn ready() {
    if rayon::current_thread_index().is_some() {
        return;
    }
    static GLOBAL: OnceLock<bool> = OnceLock::new();
    let is_there = GLOBAL.get_or_init(|| {
        let built = ThreadPoolBuilder::new().num_threads(count()).build_global();
        // An error without a source means that another caller created the pool.
        built.is_ok() || built.is_err_and(|error| error.source().is_none())
    });
    if !is_there {
        let alone = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        // Starts no thread, so it cannot fail. Never dropped while the thread lives.
        std::mem::forget(alone.build());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_what_was_asked_for_within_reason() {
        assert_eq!(count_of(Some("3")), 3);
        assert_eq!(count_of(Some("100000")), MOST);
        let cores = count_of(None);
        assert!((1..=MOST).contains(&cores));
        for nonsense in ["", "0", "-1", "many", "99999999999999999999999"] {
            assert_eq!(count_of(Some(nonsense)), cores, "{nonsense}");
        }
    }

    #[test]
    fn some_threads_are_always_affordable() {
        assert_eq!(affordable(0), 1);
        assert_eq!(affordable(1), 1);
        assert_eq!(affordable(2), 2);
        assert!((1..=MOST).contains(&affordable(usize::MAX)));
    }

    #[test]
    fn ready_can_be_asked_again_and_from_any_thread() {
        for _ in 0..2 {
            ready();
            std::thread::spawn(|| {
                ready();
                assert_eq!(rayon::join(|| 1, || 2), (1, 2));
            })
            .join()
            .unwrap();
        }
    }
}
