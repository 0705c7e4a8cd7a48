//! Sizes with units, as in `--memory 2GiB`.

/// The units a size may end with, largest first where one ends another.
const UNITS: [(&str, u64); 12] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("b", 1),
];

/// Parses a size in bytes: a number, whole or decimal, and a unit.
///
/// `KiB`, `MiB`, `GiB`, `TiB` (and `K`, `M`, `G`) are powers of 1024; `kB`, `MB`, `GB`, `TB` are
/// powers of 1000. Case does not matter.
///
/// # Errors
/// A sentence that says what was expected, if `text` is not a size, has no unit, is zero or does
/// not fit 64 bits.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let expected = || format!("expected a size with a unit, such as 512MiB or 2GiB, got `{text}`");
    let (digits, unit) = UNITS
        .iter()
        .find_map(|&(name, unit)| {
            lower
                .strip_suffix(name)
                .map(|digits| (digits.trim_end(), unit))
        })
        .ok_or_else(expected)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(expected());
    }
    let number: f64 = digits.parse().map_err(|_| expected())?;
    let bytes = number * unit as f64;
    if bytes < 1.0 || bytes >= u64::MAX as f64 {
        return Err(format!("`{text}` is out of range; {}", expected()));
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn units_are_understood() {
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("2 gib"), Ok(2 << 30));
        assert_eq!(parse_size("1.5MiB"), Ok(3 << 19));
        assert_eq!(parse_size("700MB"), Ok(700_000_000));
        assert_eq!(parse_size("4g"), Ok(4 << 30));
        assert_eq!(parse_size("64b"), Ok(64));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "2",
            "GiB",
            "-1GiB",
            "two GiB",
            "1.2.3GiB",
            "0MiB",
            "1e3MiB",
            "infGiB",
            "99999999999TiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
