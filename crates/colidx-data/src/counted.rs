//! Formats numbers for messages.

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 document`, `2 documents`.
pub fn counted(n: u64, noun: &str) -> String {
    let plural = match (n, noun) {
        (1, _) => "",
        (_, "query") => return format!("{} queries", count(n)),
        (_, "index") => return format!("{} indexes", count(n)),
        _ => "s",
    };
    format!("{} {noun}{plural}", count(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "document"), "1 document");
        assert_eq!(counted(5183, "document"), "5,183 documents");
        assert_eq!(counted(2, "query"), "2 queries");
    }
}
