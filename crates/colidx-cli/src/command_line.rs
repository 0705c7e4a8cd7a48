//! The current command line, and how it is quoted for a shell.

use std::ffi::OsString;
use std::sync::OnceLock;

use crate::output::harmless::is_hostile;

static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Sets the arguments, once. The first names the program.
pub fn set(arguments: impl IntoIterator<Item = OsString>) {
    let _ = ARGUMENTS.set(arguments.into_iter().collect());
}

/// The arguments.
pub fn arguments() -> &'static [OsString] {
    ARGUMENTS.get().map_or(&[], Vec::as_slice)
}

/// The current command with one more flag, quoted for a shell.
pub fn with_flag(flag: &str) -> String {
    let arguments = arguments().iter();
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    join(arguments.collect(), flag)
}

fn join(mut arguments: Vec<String>, flag: &str) -> String {
    if !arguments.iter().any(|argument| argument == flag) {
        arguments.push(flag.to_owned());
    }
    let quoted: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
    quoted.join(" ")
}

/// Quotes an argument if a shell needs it.
pub fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    if argument.contains(|c| c == '\n' || is_hostile(c)) {
        let escape = |c: char| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_ascii_control() => format!("\\{:03o}", u32::from(c)),
            c if is_hostile(c) => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        let escaped: String = argument.chars().map(escape).collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_typed() {
        let typed = ["colidx", "build", "my notes/", "it's", "", "--index=x", "*"];
        let typed: Vec<String> = typed.map(str::to_owned).to_vec();
        let expected = r"colidx build 'my notes/' 'it'\''s' '' --index=x '*' --resume";
        assert_eq!(join(typed.clone(), "--resume"), expected);
        let odd = ["a\n'b".to_owned(), "\x1b[m\u{9b}".to_owned()];
        assert_eq!(join(odd.to_vec(), "-r"), r"$'a\012\'b' $'\033[m\u009b' -r");
        let again = [typed, vec!["--resume".to_owned()]].concat();
        assert_eq!(join(again, "--resume"), expected);
    }
}
