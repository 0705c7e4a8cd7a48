//! The syntax of queries: words and `"phrases"`, each with a sign before it.

/// Whether documents must have a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    None,
    Required,
    Excluded,
}

/// A word or a phrase of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clause<'a> {
    pub text: &'a str,
    pub sign: Sign,
    pub is_phrase: bool,
}

/// The clauses of a query, in order.
pub(crate) fn clauses(text: &str) -> impl Iterator<Item = Clause<'_>> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let sign = match rest.chars().next()? {
            '+' => Sign::Required,
            '-' => Sign::Excluded,
            _ => Sign::None,
        };
        let body = if sign == Sign::None { rest } else { &rest[1..] };
        let quoted = body.strip_prefix('"').and_then(|body| body.split_once('"'));
        let (text, after) = quoted.unwrap_or_else(|| {
            // A quote ends a word, so that a phrase may follow without a space.
            let word = |c: char| c.is_whitespace() || c == '"';
            let body = body.strip_prefix('"').unwrap_or(body);
            body.split_at(body.find(word).unwrap_or(body.len()))
        });
        rest = after.trim_start();
        Some(Clause {
            text,
            sign,
            is_phrase: quoted.is_some(),
        })
    })
}

/// What a query says without its syntax: its words and phrases but for the excluded ones. For
/// searches without syntax that accompany one with it.
pub fn without_syntax(query: &str) -> String {
    let said = clauses(query).filter(|clause| clause.sign != Sign::Excluded);
    let said = said
        .map(|clause| clause.text)
        .filter(|text| !text.is_empty());
    let said: Vec<&str> = said.collect();
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_quotes_are_taken_off_and_what_is_excluded_is_left_out() {
        for (query, said) in [
            ("how does it work?", "how does it work?"),
            (
                "+rust \"memory map\" -windows -\"read only\" files",
                "rust memory map files",
            ),
            ("a\"b c\"", "a b c"),
            ("\"open end", "open end"),
            ("x-ray - +", "x-ray"),
            ("", ""),
        ] {
            assert_eq!(without_syntax(query), said, "{query}");
        }
    }
}
