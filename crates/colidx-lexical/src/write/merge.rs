//! Merging runs, term by term.

use super::list::ListWriter;
use super::runs::RunReader;
use crate::dictionary::DictionaryWriter;
use crate::error::Error;
use colidx_spill::{Appender, Runs, Scratch, ScratchFile, Sections};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub(super) fn tokens(lengths: &[u32]) -> u64 {
    lengths.iter().map(|&length| u64::from(length)).sum()
}

/// What must wait until the lists are written.
pub(super) struct Merged<F> {
    pub dictionary: DictionaryWriter,
    pub terms: Appender<F>,
    pub positions: Option<Appender<F>>,
}

impl<F: ScratchFile<Error: From<Error>>> Merged<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
        positions: bool,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            dictionary: DictionaryWriter::new(positions),
            terms: Appender::create(scratch)?,
            positions: match positions {
                true => Some(Appender::create(scratch)?),
                false => None,
            },
        })
    }

    /// Writes the lists of all terms of the runs, and keeps what belongs into other sections.
    pub fn merge(
        &mut self,
        runs: &Runs<F>,
        lengths: &[u32],
        memory: usize,
        sections: &mut impl Sections<Error = F::Error>,
    ) -> Result<(), F::Error> {
        let average = tokens(lengths) as f64 / lengths.len() as f64;
        let mut list = ListWriter::new(self.positions.is_some(), average);
        let file = runs.file();
        let mut runs: Vec<_> = runs.readers(memory / 2).map(RunReader::new).collect();
        let mut heap = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            if run.next_term(file)? {
                heap.push(Reverse((run.term.clone(), at)));
            }
        }
        while let Some(Reverse((term, first))) = heap.pop() {
            let mut postings = TermPostings {
                list: &mut list,
                lengths,
                open: None,
            };
            let mut at = first;
            loop {
                let run = &mut runs[at];
                postings.read(run, file, |list| {
                    sections.write(&list.list)?;
                    list.list.clear();
                    if let Some(positions) = &mut self.positions {
                        positions.append(&list.positions)?;
                        list.positions.clear();
                    }
                    Ok(())
                })?;
                if run.next_term(file)? {
                    heap.push(Reverse((run.term.clone(), at)));
                }
                match heap.peek() {
                    Some(Reverse((next, _))) if *next == term => {}
                    _ => break,
                }
                let Some(Reverse((_, next))) = heap.pop() else {
                    break;
                };
                at = next;
            }
            postings.close()?;
            let written = list.finish()?;
            self.dictionary.push(&term, written);
            if self.dictionary.out.len() >= 1 << 12 {
                self.terms.append(&self.dictionary.out)?;
                self.dictionary.taken();
            }
        }
        sections.write(&list.list)?;
        if let Some(positions) = &mut self.positions {
            positions.append(&list.positions)?;
        }
        self.terms.append(&self.dictionary.out)?;
        self.dictionary.taken();
        Ok(())
    }
}

/// Encoded bytes collected before they are written.
const COLLECT: usize = 64 << 10;

/// Reads the postings of a term from its runs into a list.
struct TermPostings<'a> {
    list: &'a mut ListWriter,
    lengths: &'a [u32],
    /// The document that is read, its last position and its frequency so far.
    open: Option<(u32, u32, u32)>,
}

impl TermPostings<'_> {
    fn read<F: ScratchFile<Error: From<Error>>>(
        &mut self,
        run: &mut RunReader,
        file: &F,
        mut take: impl FnMut(&mut ListWriter) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        // Distances restart in each run.
        let (mut document, mut position) = (0, 0);
        while let Some(number) = run.next_number(file)? {
            let distance = (number >> 1) as u32;
            if number & 1 != 0 {
                document += distance;
                position = 0;
                if self.open.is_none_or(|(open, ..)| open != document) {
                    self.close()?;
                    self.open = Some((document, 0, 0));
                    if self.list.list.len() + self.list.positions.len() > COLLECT {
                        take(self.list)?;
                    }
                }
            } else if let Some((_, before, frequency)) = &mut self.open {
                position += distance;
                self.list.position(position - *before);
                *before = position;
                *frequency += 1;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        match self.open.take() {
            Some((document, _, frequency)) => {
                let length = self.lengths.get(document as usize).copied().unwrap_or(0);
                self.list.document(document, frequency, length)
            }
            None => Ok(()),
        }
    }
}
