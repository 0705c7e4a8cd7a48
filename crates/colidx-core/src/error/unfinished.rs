//! A build that was stopped before its commit.

use crate::progress::Phase;
use std::time::{Duration, SystemTime};

/// A build that was stopped and can be resumed
/// ([`BuildOptions::resume`](crate::BuildOptions::resume)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The phase it was in.
    pub phase: Phase,
    /// Documents to encode.
    pub documents: u64,
    /// Documents whose vectors are kept.
    pub encoded: u64,
    /// When this was recorded.
    pub written: SystemTime,
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            phase,
            documents,
            encoded,
            written,
        } = self;
        let ago = ago(written.elapsed().unwrap_or_default());
        write!(
            f,
            "{encoded} of {documents} documents encoded, last in phase `{phase}` {ago} ago"
        )
    }
}

fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_one_unit() {
        let told = [1, 119, 120, 7199, 7200, 172_799, 172_800]
            .map(|seconds| ago(Duration::from_secs(seconds)));
        let expected = [
            "1 second",
            "119 seconds",
            "2 minutes",
            "119 minutes",
            "2 hours",
            "47 hours",
            "2 days",
        ];
        assert_eq!(told, expected);
    }
}
