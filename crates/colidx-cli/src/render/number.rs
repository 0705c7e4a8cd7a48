//! Numbers as people read them.

use std::time::Duration;

pub use colidx_data::counted::{count, counted};

/// Bytes in binary units: `512 B`, `1.5 KiB`, `64 MiB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" || value >= 99.95 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// A time: `0.42 ms`, `12.3 ms`, `1.25 s`, `3 min 20 s`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.01 {
        format!("{:.2} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 119.5 {
        format!("{seconds:.0} s")
    } else if seconds < 7_170.0 {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

/// A time that is only guessed, in whole seconds: `1 s`, `45 s`, `3 min 20 s`.
pub fn rough_time(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil();
    if seconds < 120.0 {
        format!("{seconds} s")
    } else {
        self::time(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_binary_units() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(64 << 20), "64.0 MiB");
        assert_eq!(bytes(640 << 20), "640 MiB");
        assert_eq!(bytes(5 << 40), "5.0 TiB");
    }

    #[test]
    fn times_have_a_fitting_unit() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(time(seconds(0.000_42)), "0.42 ms");
        assert_eq!(time(seconds(0.0123)), "12.3 ms");
        assert_eq!(time(seconds(1.25)), "1.25 s");
        assert_eq!(time(seconds(83.4)), "83 s");
        assert_eq!(time(seconds(200.0)), "3 min 20 s");
        assert_eq!(time(seconds(7260.0)), "2 h 1 min");
        assert_eq!(rough_time(seconds(0.02)), "1 s");
        assert_eq!(rough_time(seconds(59.4)), "60 s");
        assert_eq!(rough_time(seconds(200.0)), "3 min 20 s");
    }
}
