//! Colours, and when to use none.

use crate::args::Color;
use crate::output::{self, Link, Painted};

/// Highlight shades; 0 is none.
pub const SHADES: u8 = 4;

/// Columns assumed where the width of the terminal is not known.
const DEFAULT_WIDTH: usize = 80;

/// Lines longer than this are hard to read, however wide the terminal is.
const MAX_WIDTH: usize = 110;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// No escape codes at all.
    None,
    /// Bold and dim only.
    Basic,
    /// The 256-colour palette.
    Ansi256,
}

impl Colour {
    /// Decides from the flag and the environment.
    pub fn choose(color: Color, get: impl Fn(&str) -> Option<String>) -> Colour {
        match (color, Colour::from_env(&get)) {
            (Color::Never, _) => Colour::None,
            (Color::Always, Colour::None) => Colour::Ansi256,
            (_, colour) => colour,
        }
    }

    /// Decides from the environment: `NO_COLOR` (non-empty) and `TERM=dumb` mean none.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Colour {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let term = set("TERM");
        if set("NO_COLOR").is_some() || term.as_deref() == Some("dumb") {
            Colour::None
        } else if set("COLORTERM").is_some()
            || term.as_deref().is_some_and(|t| t.contains("256color"))
        {
            Colour::Ansi256
        } else if term.is_some() {
            Colour::Basic
        } else {
            Colour::None
        }
    }
}

/// Meaning of a piece of output; the style decides its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Words of a passage, by shade (0 to [`SHADES`]).
    Text(u8),
    /// Words of a title, by shade.
    Title(u8),
    /// Rank and score: readable but not prominent.
    Number,
    /// Keys, timings, hints.
    Dim,
    /// Headings of tables.
    Heading,
}

/// How to show things on one output.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// What the terminal can show.
    pub colour: Colour,
    /// Columns to wrap to.
    pub width: usize,
}

impl Style {
    /// No colour, 80 columns.
    pub const PLAIN: Style = Style {
        colour: Colour::None,
        width: DEFAULT_WIDTH,
    };

    /// The style for standard output, computed for every answer so that it follows a resized
    /// window.
    pub fn for_stdout() -> Style {
        let color = output::color();
        if !output::stdout_is_terminal() && color != Color::Always {
            return Style::PLAIN;
        }
        let width = output::columns_of_stdout().unwrap_or(DEFAULT_WIDTH);
        Style {
            colour: Colour::choose(color, |name| std::env::var(name).ok()),
            width: width.clamp(24, MAX_WIDTH),
        }
    }

    /// Appends `text` in the look of `role`.
    pub fn push(&self, out: &mut Painted, role: Role, text: &str) {
        match self.code(role) {
            Some(code) => out.push_in(code, text),
            None => out.push(text),
        }
    }

    /// Appends `text` in the look of `role`, as a link where there may be escape codes.
    pub fn push_link(&self, out: &mut Painted, role: Role, text: &str, link: Option<&Link>) {
        match link {
            Some(link) if self.colour != Colour::None => {
                out.push_link(link, &self.paint(role, text));
            }
            _ => self.push(out, role, text),
        }
    }

    /// `text` in the look of `role`.
    pub fn paint(&self, role: Role, text: &str) -> Painted {
        let mut out = Painted::new();
        self.push(&mut out, role, text);
        out
    }

    fn code(&self, role: Role) -> Option<&'static str> {
        match (self.colour, role) {
            (Colour::None, _) | (_, Role::Text(0)) => None,
            (Colour::Ansi256, Role::Text(1)) => Some("38;5;180"),
            (Colour::Ansi256, Role::Text(2)) => Some("38;5;214"),
            (Colour::Ansi256, Role::Text(3)) => Some("1;38;5;208"),
            (Colour::Ansi256, Role::Text(_)) => Some("1;38;5;202"),
            (Colour::Ansi256, Role::Title(0)) => Some("1"),
            (Colour::Ansi256, Role::Title(1)) => Some("1;38;5;180"),
            (Colour::Ansi256, Role::Title(2)) => Some("1;38;5;214"),
            (Colour::Ansi256, Role::Title(3)) => Some("1;38;5;208"),
            (Colour::Ansi256, Role::Title(_)) => Some("1;38;5;202"),
            (Colour::Ansi256, Role::Number) => Some("38;5;109"),
            (Colour::Ansi256, Role::Dim) => Some("38;5;245"),
            (Colour::Basic, Role::Text(1)) => None,
            (Colour::Basic, Role::Text(_) | Role::Title(_)) | (_, Role::Heading) => Some("1"),
            (Colour::Basic, Role::Number | Role::Dim) => Some("2"),
        }
    }
}

/// Fractions of the largest weight at which the shades begin.
const STEPS: [f32; SHADES as usize] = [0.12, 0.25, 0.4, 0.65];

/// The shade of a weight relative to the largest one shown.
pub fn shade(weight: f32, largest: f32) -> u8 {
    if !(weight > 0.0 && largest > 0.0) {
        return 0;
    }
    STEPS
        .iter()
        .take_while(|&&step| weight >= step * largest)
        .count() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        }
    }

    #[test]
    fn the_environment_decides_the_colours() {
        assert_eq!(
            Colour::from_env(env(&[("TERM", "xterm-256color")])),
            Colour::Ansi256
        );
        assert_eq!(
            Colour::from_env(env(&[("TERM", "xterm"), ("COLORTERM", "truecolor")])),
            Colour::Ansi256
        );
        assert_eq!(Colour::from_env(env(&[("TERM", "xterm")])), Colour::Basic);
        assert_eq!(
            Colour::from_env(env(&[("TERM", "dumb"), ("COLORTERM", "1")])),
            Colour::None
        );
        assert_eq!(Colour::from_env(env(&[])), Colour::None);
        assert_eq!(
            Colour::from_env(env(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")])),
            Colour::None
        );
        assert_eq!(
            Colour::from_env(env(&[("TERM", "xterm-256color"), ("NO_COLOR", "")])),
            Colour::Ansi256
        );
    }

    #[test]
    fn the_flag_comes_before_the_environment() {
        let choose = |color| Colour::choose(color, env(&[("TERM", "xterm"), ("NO_COLOR", "1")]));
        assert_eq!(choose(Color::Auto), Colour::None);
        assert_eq!(choose(Color::Never), Colour::None);
        assert_eq!(choose(Color::Always), Colour::Ansi256);
        let basic = Colour::choose(Color::Always, env(&[("TERM", "xterm")]));
        assert_eq!(basic, Colour::Basic);
    }

    #[test]
    fn without_colour_there_are_no_codes() {
        for role in [
            Role::Text(0),
            Role::Text(4),
            Role::Title(2),
            Role::Number,
            Role::Dim,
            Role::Heading,
        ] {
            assert_eq!(Style::PLAIN.paint(role, "word"), "word");
        }
        let style = Style {
            colour: Colour::Ansi256,
            width: 80,
        };
        assert_eq!(
            style.paint(Role::Text(4), "word"),
            "\x1b[1;38;5;202mword\x1b[0m"
        );
        assert_eq!(style.paint(Role::Text(0), "word"), "word");
    }

    #[test]
    fn shades_grow_with_the_weight() {
        assert_eq!(shade(0.0, 8.0), 0);
        assert_eq!(shade(-1.0, 8.0), 0);
        assert_eq!(shade(f32::NAN, 8.0), 0);
        assert_eq!(shade(1.0, 0.0), 0);
        assert_eq!(shade(0.01, 8.0), 0);
        assert_eq!(shade(1.0, 8.0), 1);
        assert_eq!(shade(2.0, 8.0), 2);
        assert_eq!(shade(8.0, 8.0), SHADES);
        let shades: Vec<u8> = (0..=80).map(|w| shade(w as f32 / 10.0, 8.0)).collect();
        assert!(shades.is_sorted());
    }
}
