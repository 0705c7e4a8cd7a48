//! The headings above a passage, which are its title.

use std::collections::VecDeque;

use super::Passage;
use super::length::PassageLength;

/// A heading with more words is taken for text: it would be repeated as the title of every passage
/// below it.
pub(super) const LIMIT: usize = 40;

/// Whether a text is short enough for a heading.
pub(super) fn fits(text: &str) -> bool {
    PassageLength::words(1).of(text) <= LIMIT
}

#[derive(Default)]
pub(super) struct Headings(Vec<Heading>);

struct Heading {
    level: usize,
    text: String,
    line: u64,
    /// Whether it is the title of a passage.
    used: bool,
}

impl Headings {
    /// The headings from the top, joined by ` > `: as many of the last as a title may have, or the
    /// beginning of the last one.
    pub(super) fn title(&self, length: &PassageLength) -> String {
        let texts = self.0.iter().map(|heading| heading.text.as_str());
        let mut texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        // A title above is often the first heading too.
        texts.dedup();
        loop {
            let title = texts.join(" > ");
            if length.fits_title(&title) {
                return title;
            }
            if texts.len() < 2 {
                return length.shortened_title(&title);
            }
            texts.remove(0);
        }
    }

    /// The title of a passage below them.
    pub(super) fn use_title(&mut self, length: &PassageLength) -> String {
        for heading in &mut self.0 {
            heading.used = true;
        }
        self.title(length)
    }

    /// Enters a heading, and leaves those of its level and below.
    pub(super) fn enter(
        &mut self,
        level: usize,
        text: &str,
        line: u64,
        length: &PassageLength,
        ready: &mut VecDeque<Passage>,
    ) {
        self.leave(level, length, ready);
        self.0.push(Heading {
            level,
            text: text.to_owned(),
            line,
            used: false,
        });
    }

    /// Leaves the headings of that level and below. A heading above nothing at all becomes a
    /// passage itself.
    pub(super) fn leave(
        &mut self,
        level: usize,
        length: &PassageLength,
        ready: &mut VecDeque<Passage>,
    ) {
        while let Some(heading) = self.0.pop_if(|heading| heading.level >= level) {
            if !heading.used && !heading.text.is_empty() {
                ready.push_back(Passage {
                    title: self.use_title(length),
                    text: heading.text,
                    lines: heading.line..=heading.line,
                });
            }
        }
    }
}

/// The first words of a title, as many as fit.
pub(super) fn shortened(title: &str, fits: impl Fn(&str) -> bool) -> String {
    let mut kept = String::new();
    for word in title.split_whitespace() {
        let longer = format!("{kept} {word}");
        if !fits(&longer) {
            break;
        }
        kept = longer;
    }
    kept.trim_start().to_owned()
}
