//! Progress of a long command: a bar on a terminal, a line every few seconds elsewhere.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::output::{self, note};
use crate::render::number;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Columns of a line besides the phase and its bar: amount, rate, time left.
const BESIDE_BAR: usize = 50;

/// What a phase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things with a name, in the singular.
    Things(&'static str),
    /// Bytes.
    Bytes,
    /// Internal units: only the percentage is shown.
    Share,
}

/// Shows phases on standard error, one at a time.
pub struct Phases {
    terminal: bool,
    running: Mutex<Option<Running>>,
}

struct Running {
    name: String,
    unit: Unit,
    total: Option<u64>,
    /// What was done before the phase began.
    start: u64,
    done: u64,
    began: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Phases {
    /// For standard error as it is.
    pub fn new() -> Phases {
        Phases {
            terminal: output::stderr_is_terminal(),
            running: Mutex::default(),
        }
    }

    /// Ends the current phase and begins `name`, with `total` units if that is known. If `name` is
    /// already running, only its total changes.
    pub fn begin(&self, name: &str, total: Option<u64>, unit: Unit) {
        let mut slot = self.running();
        if let Some(running) = slot.as_mut().filter(|running| running.name == name) {
            if running.total.is_none()
                && let Some(bar) = &running.bar
            {
                bar.set_style(style(name, total, unit));
            }
            running.total = total;
            running.show();
            return;
        }
        finish(slot.take());
        let now = Instant::now();
        *slot = Some(Running {
            name: name.to_owned(),
            unit,
            total,
            start: 0,
            done: 0,
            began: now,
            last_line: now,
            bar: self
                .terminal
                .then(|| output::bar(name, total, style(name, total, unit))),
        });
    }

    /// The phase resumes at `done`; the rate counts from there.
    pub fn start_at(&self, done: u64) {
        if let Some(running) = self.running().as_mut() {
            running.start = done;
            running.done = done;
            running.show();
            if let Some(bar) = &running.bar {
                bar.reset_eta();
            }
        }
    }

    /// Sets the units done.
    pub fn set(&self, done: u64) {
        if let Some(running) = self.running().as_mut() {
            running.done = done;
            running.show();
        }
    }

    /// Ends the phase that runs.
    pub fn end(&self) {
        finish(self.running().take());
    }

    // A panic while the lock is held leaves nothing half-changed that matters here.
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Moves the bar, or writes a line if the last is old.
    fn show(&mut self) {
        if let Some(bar) = &self.bar {
            if let Some(total) = self.total {
                bar.set_length(total);
            }
            bar.set_position(self.done);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            note(&line(self, self.began.elapsed()));
        }
    }
}

fn finish(running: Option<Running>) {
    let Some(running) = running else { return };
    if let Some(bar) = &running.bar {
        bar.finish_and_clear();
    }
    note(&done_line(&running, running.began.elapsed()));
}

impl Default for Phases {
    fn default() -> Self {
        Phases::new()
    }
}

impl Drop for Phases {
    /// An unfinished phase prints no summary.
    fn drop(&mut self) {
        if let Some(bar) = self.running().take().and_then(|running| running.bar) {
            bar.finish_and_clear();
        }
    }
}

fn style(name: &str, total: Option<u64>, unit: Unit) -> ProgressStyle {
    let template = match total {
        Some(_) => {
            let columns = output::columns_of_stderr().unwrap_or(usize::MAX);
            let bar = columns.saturating_sub(name.len() + BESIDE_BAR).clamp(6, 28);
            format!("{{prefix}} {{bar:{bar}}} {{amount}}  {{rate}}  {{left}}")
        }
        None => "{prefix} {spinner} {amount}  {rate}  {elapsed}".to_owned(),
    };
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars("━╸─")
        .with_key(
            "amount",
            move |state: &ProgressState, out: &mut dyn Write| {
                let _ = out.write_str(&amount(state.pos(), state.len(), unit));
            },
        )
        .with_key("rate", move |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&rate(state.per_sec(), unit));
        })
        .with_key("left", move |state: &ProgressState, out: &mut dyn Write| {
            if state.pos() > 0 {
                let _ = write!(out, "{} left", number::rough_time(state.eta()));
            }
        })
}

fn amount(done: u64, total: Option<u64>, unit: Unit) -> String {
    match (unit, total) {
        (Unit::Things(noun), Some(total)) => {
            format!("{}/{}", number::count(done), number::counted(total, noun))
        }
        (Unit::Things(noun), None) => number::counted(done, noun),
        (Unit::Bytes, Some(total)) => format!("{}/{}", number::bytes(done), number::bytes(total)),
        (Unit::Bytes, None) => number::bytes(done),
        (Unit::Share, Some(total)) => format!("{} %", done.saturating_mul(100) / total.max(1)),
        (Unit::Share, None) => String::new(),
    }
}

fn rate(per_second: f64, unit: Unit) -> String {
    match unit {
        Unit::Things(_) if per_second >= 10.0 => {
            format!("{}/s", number::count(per_second.round() as u64))
        }
        Unit::Things(_) => format!("{per_second:.1}/s"),
        Unit::Bytes => format!("{}/s", number::bytes(per_second as u64)),
        Unit::Share => String::new(),
    }
}

fn line(running: &Running, took: Duration) -> String {
    let done = running.done.saturating_sub(running.start);
    let per_second = done as f64 / took.as_secs_f64().max(1e-9);
    let left = match running.total {
        Some(total) if done > 0 => {
            let seconds = total.saturating_sub(running.done) as f64 / per_second;
            format!(
                "{} left",
                number::rough_time(Duration::from_secs_f64(seconds))
            )
        }
        _ => String::new(),
    };
    let parts = [
        amount(running.done, running.total, running.unit),
        rate(per_second, running.unit),
        left,
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let parts = if parts.is_empty() {
        number::time(took)
    } else {
        parts.join(", ")
    };
    format!("{}: {parts}", running.name)
}

fn done_line(running: &Running, took: Duration) -> String {
    // Things are counted in steps, and a phase that ends has done them all.
    let things = matches!(running.unit, Unit::Things(_));
    let total = running.total.filter(|_| things);
    let done = running.done.max(total.unwrap_or(0));
    let done = if done > 0 {
        amount(done, None, running.unit)
    } else {
        String::new()
    };
    let comma = if done.is_empty() { "" } else { ", " };
    format!("{}: {done}{comma}{}", running.name, number::time(took))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(done: u64, total: Option<u64>) -> Running {
        let now = Instant::now();
        Running {
            name: "encoding".to_owned(),
            unit: Unit::Things("document"),
            total,
            start: 0,
            done,
            began: now,
            last_line: now,
            bar: None,
        }
    }

    #[test]
    fn lines_say_amount_rate_and_time_left() {
        let ten = Duration::from_secs(10);
        assert_eq!(
            line(&running(1500, Some(6000)), ten),
            "encoding: 1,500/6,000 documents, 150/s, 30 s left"
        );
        let resumed = Running {
            start: 1000,
            ..running(1500, Some(6000))
        };
        assert_eq!(
            line(&resumed, ten),
            "encoding: 1,500/6,000 documents, 50/s, 90 s left"
        );
        assert_eq!(
            line(&running(15, None), ten),
            "encoding: 15 documents, 1.5/s"
        );
        assert_eq!(
            line(&running(0, Some(6)), ten),
            "encoding: 0/6 documents, 0.0/s"
        );
        assert_eq!(
            done_line(&running(6000, Some(6000)), ten),
            "encoding: 6,000 documents, 10 s"
        );
        assert_eq!(
            done_line(&running(5888, Some(6000)), ten),
            "encoding: 6,000 documents, 10 s"
        );
        assert_eq!(done_line(&running(0, None), ten), "encoding: 10 s");
        let bytes = Running {
            unit: Unit::Bytes,
            ..running(5 << 20, Some(10 << 20))
        };
        assert_eq!(
            line(&bytes, ten),
            "encoding: 5.0 MiB/10.0 MiB, 512 KiB/s, 10 s left"
        );
        let share = Running {
            unit: Unit::Share,
            ..running(25, Some(100))
        };
        assert_eq!(line(&share, ten), "encoding: 25 %, 30 s left");
        assert_eq!(
            line(
                &Running {
                    unit: Unit::Share,
                    ..running(25, None)
                },
                ten
            ),
            "encoding: 10 s"
        );
    }

    #[test]
    fn a_phase_that_begins_again_goes_on() {
        let phases = Phases {
            terminal: false,
            running: Mutex::default(),
        };
        phases.begin("one", None, Unit::Things("document"));
        phases.set(2);
        phases.begin("one", Some(3), Unit::Things("document"));
        assert_eq!(
            phases.running().as_ref().map(|r| (r.done, r.total)),
            Some((2, Some(3)))
        );
        phases.begin("two", None, Unit::Share);
        assert_eq!(
            phases.running().as_ref().map(|r| (r.done, r.total)),
            Some((0, None))
        );
        phases.end();
        assert!(phases.running().is_none());
    }
}
