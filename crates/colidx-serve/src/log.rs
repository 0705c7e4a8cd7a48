//! Lines for the operator.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes lines for the operator. The program that runs the service says where they go and makes
/// them harmless for a terminal.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(Line<'_>) + Send + Sync>);

/// A line for the operator. It may hold what anyone sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// For people.
    Text(&'a str),
    /// A JSON object.
    Json(&'a str),
}

impl Log {
    /// Lines go to `write`, one a call.
    pub fn new(write: impl Fn(Line<'_>) + Send + Sync + 'static) -> Log {
        Log(Arc::new(write))
    }

    /// Writes a line for people.
    pub fn note(&self, line: &str) {
        (self.0)(Line::Text(line));
    }

    /// Writes a JSON object.
    pub fn json(&self, line: &str) {
        (self.0)(Line::Json(line));
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// The time now as in `2026-11-28T13:05:09Z` (RFC 3339).
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    rfc3339(since.unwrap_or(Duration::ZERO).as_secs())
}

/// Seconds since 1970 as date and time. Days become a date by counting in eras of 400 years from
/// the first of March, so that leap days come last.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(rfc3339(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
