//! Keys in files whose columns end at white space: runs and judgements.

use std::borrow::Cow;

use crate::harmless::is_hostile;

/// The front of a key that is escaped. A key that begins so by itself is escaped too.
const ESCAPED: &str = "%:";

/// A key as it can stand in a column. [`unescape`] undoes it, whatever the key is.
pub fn escape(key: &str) -> Cow<'_, str> {
    let unfit = |char: char| char.is_whitespace() || is_hostile(char);
    if !key.is_empty() && !key.contains(unfit) && !key.starts_with(ESCAPED) {
        return Cow::Borrowed(key);
    }
    let mut out = ESCAPED.to_owned();
    for char in key.chars() {
        if unfit(char) || char == '%' {
            let mut bytes = [0; 4];
            let bytes = char.encode_utf8(&mut bytes).bytes();
            out.extend(bytes.map(|byte| format!("%{byte:02X}")));
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// The key that was escaped; what was not is left as it is.
pub fn unescape(column: &str) -> Cow<'_, str> {
    let key = column.strip_prefix(ESCAPED).and_then(|escaped| {
        let mut parts = escaped.split('%');
        let mut bytes = parts.next()?.as_bytes().to_vec();
        for part in parts {
            let (code, rest) = part.split_at_checked(2)?;
            let digits = code.bytes().all(|byte| byte.is_ascii_hexdigit());
            bytes.push(u8::from_str_radix(code, 16).ok().filter(|_| digits)?);
            bytes.extend(rest.as_bytes());
        }
        String::from_utf8(bytes).ok()
    });
    key.map_or(Cow::Borrowed(column), Cow::Owned)
}
