//! What can be typed at the prompt besides a query.

use crate::args::share;

/// One line of input.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Nothing was typed.
    Nothing,
    /// A query.
    Query(String),
    /// `:k N`: hits a query.
    K(usize),
    /// `:explain N`: the matches of the N-th hit of the last query.
    Explain(usize),
    /// `:open N`: the whole document of the N-th hit of the last query.
    Open(usize),
    /// `:by vectors|words|hybrid`.
    By(By),
    /// `:filter FILTER`, and `None` for `:filter off`: which documents are searched.
    Filter(Option<String>),
    /// `:recall SHARE`, and `None` for `:recall off`: the share of the exact hits to find.
    Recall(Option<f64>),
    /// `:exact on|off`.
    Exact(bool),
    /// `:stats on|off`.
    Stats(bool),
    /// `:reload`: load the newest commit.
    Reload,
    /// `:help`.
    Help,
    /// `:quit`.
    Quit,
    /// An invalid command, and why.
    Wrong(String),
}

/// What searches go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Token vectors.
    Vectors,
    /// Words, BM25.
    Words,
    /// Both.
    Hybrid,
}

/// What `:help` says.
pub const HELP: &str = "\
Type a query and press Enter.
  :k N           show N hits per query
  :open N        show the whole document of hit N
  :explain N     show which query token matched which word of hit N
  :by WAY        search by vectors, words or hybrid
  :filter F      search only documents whose metadata match F; :filter off
  :recall SHARE  find this share of the exact hits, such as 0.95; :recall off
  :exact on|off  score every document, or only candidates
  :stats on|off  report the work of each search
  :reload        load the newest commit of the index
  :help          show this list
  :quit          quit (or press Ctrl-D)
To search for text that begins with a colon, type a space first.";

/// The names of the commands, for completion.
pub const NAMES: [&str; 11] = [
    ":by ",
    ":exact ",
    ":explain ",
    ":filter ",
    ":help",
    ":k ",
    ":open ",
    ":quit",
    ":recall ",
    ":reload",
    ":stats ",
];

/// Parses a line of input.
pub fn parse(line: &str) -> Input {
    let Some(command) = line.strip_prefix(':') else {
        let query = line.trim();
        return if query.is_empty() {
            Input::Nothing
        } else {
            Input::Query(query.to_owned())
        };
    };
    let (name, argument) = command
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((command.trim(), ""));
    let argument = argument.trim();
    let parsed = match name {
        "k" => number(argument).map(Input::K),
        "explain" | "e" => number(argument).map(Input::Explain),
        "open" | "o" => number(argument).map(Input::Open),
        "by" => by(argument).map(Input::By),
        "filter" => filter(argument).map(Input::Filter),
        "recall" => recall(argument).map(Input::Recall),
        "exact" => switch(argument).map(Input::Exact),
        "stats" => switch(argument).map(Input::Stats),
        "reload" | "r" => Ok(Input::Reload),
        "help" | "h" | "?" => Ok(Input::Help),
        "quit" | "q" | "exit" => Ok(Input::Quit),
        _ => Err("no such command; type :help for a list"),
    };
    parsed.unwrap_or_else(|why| Input::Wrong(format!(":{name}: {why}")))
}

fn number(argument: &str) -> Result<usize, &'static str> {
    argument
        .parse()
        .ok()
        .filter(|n| (1..=1_000_000).contains(n))
        .ok_or("expected a whole number from 1 to 1,000,000")
}

fn by(argument: &str) -> Result<By, &'static str> {
    match argument {
        "vectors" => Ok(By::Vectors),
        "words" => Ok(By::Words),
        "hybrid" => Ok(By::Hybrid),
        _ => Err("expected vectors, words or hybrid"),
    }
}

fn filter(argument: &str) -> Result<Option<String>, &'static str> {
    match argument {
        "" => Err("expected a filter, as in `:filter year >= 2020`, or off"),
        "off" => Ok(None),
        filter => Ok(Some(filter.to_owned())),
    }
}

fn recall(argument: &str) -> Result<Option<f64>, &'static str> {
    match argument {
        "off" => Ok(None),
        number => share(number)
            .map(Some)
            .map_err(|_| "expected a number above 0 and at most 1, as in `:recall 0.95`, or off"),
    }
}

fn switch(argument: &str) -> Result<bool, &'static str> {
    match argument {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected on or off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_commands_are_told_apart() {
        assert_eq!(parse("  "), Input::Nothing);
        assert_eq!(parse(" memory map "), Input::Query("memory map".to_owned()));
        assert_eq!(parse(" :k"), Input::Query(":k".to_owned()));
        assert_eq!(parse(":k 20"), Input::K(20));
        assert_eq!(parse(":open  3 "), Input::Open(3));
        assert_eq!(parse(":e 1"), Input::Explain(1));
        assert_eq!(parse(":by words"), Input::By(By::Words));
        let filter = Some("year > 3 AND NOT draft".to_owned());
        assert_eq!(
            parse(":filter year > 3 AND NOT draft"),
            Input::Filter(filter)
        );
        assert_eq!(parse(":filter off"), Input::Filter(None));
        assert_eq!(parse(":recall 0.95"), Input::Recall(Some(0.95)));
        assert_eq!(parse(":recall off"), Input::Recall(None));
        assert_eq!(parse(":exact on"), Input::Exact(true));
        assert_eq!(parse(":stats off"), Input::Stats(false));
        assert_eq!(parse(":reload"), Input::Reload);
        assert_eq!(parse(":help"), Input::Help);
        assert_eq!(parse(":q"), Input::Quit);
    }

    #[test]
    fn wrong_commands_say_why() {
        for line in [
            ":k",
            ":k 0",
            ":k ten",
            ":open -1",
            ":exact maybe",
            ":by heart",
            ":filter",
            ":recall 95",
            ":recall",
            ":",
            ":nonsense 3",
        ] {
            assert!(matches!(parse(line), Input::Wrong(_)), "{line}");
        }
    }
}
