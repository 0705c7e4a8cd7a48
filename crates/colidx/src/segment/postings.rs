//! Posting lists: for every centroid the documents that have a vector near it.
//!
//! A list holds ascending document numbers as differences in LEB128 (7 bits a byte, low bits
//! first); the first is the number itself. Lists are read in place.

use super::Segment;
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::{Tag, file_name, kind};
use crate::storage::Directory;
use std::ops::Range;

const OFFSETS: Tag = Tag(*b"LOFF");
const LISTS: Tag = Tag(*b"LIST");

/// Writes the posting lists of a segment.
///
/// `scan` calls its argument with every `(document, code)` in document order. It is called once to
/// count and then once for every range of centroids whose entries fit `memory` bytes, so memory is
/// bounded whatever the segment's size, and the bytes written do not depend on it.
pub(crate) fn write(
    directory: &Directory,
    number: u32,
    centroids: usize,
    memory: usize,
    scan: impl Fn(&mut dyn FnMut(u32, u32)) -> Result<()>,
) -> Result<Seal> {
    let mut counts = vec![0u32; centroids];
    scan(&mut |_, code| counts[code as usize] += 1)?;

    let name = file_name(kind::POSTINGS, number);
    let mut w = FrameWriter::create(directory, &name, kind::POSTINGS)?;
    w.begin(LISTS)?;
    let mut offsets = Vec::with_capacity(centroids + 1);
    offsets.push(0u64);
    let mut first = 0;
    let mut bytes = Vec::new();
    while first < centroids {
        let range = next_range(&counts, first, memory);
        let lists = collect(&counts, range.clone(), &scan)?;
        for list in &lists {
            bytes.clear();
            encode(list, &mut bytes);
            w.write(&bytes)?;
            offsets.push(offsets[offsets.len() - 1] + bytes.len() as u64);
        }
        first = range.end;
    }
    w.section(OFFSETS, bytemuck::cast_slice(&offsets))?;
    w.finish()
}

/// As many centroids from `first` as fit, but at least one.
fn next_range(counts: &[u32], first: usize, memory: usize) -> Range<usize> {
    let mut bytes = 0;
    let mut end = first;
    while end < counts.len() {
        bytes += counts[end] as usize * 4 + size_of::<Vec<u32>>();
        if end > first && bytes > memory {
            break;
        }
        end += 1;
    }
    first..end
}

fn collect(
    counts: &[u32],
    range: Range<usize>,
    scan: &impl Fn(&mut dyn FnMut(u32, u32)) -> Result<()>,
) -> Result<Vec<Vec<u32>>> {
    let mut lists: Vec<Vec<u32>> = counts[range.clone()]
        .iter()
        .map(|&n| Vec::with_capacity(n as usize))
        .collect();
    scan(&mut |document, code| {
        if range.contains(&(code as usize)) {
            let list = &mut lists[code as usize - range.start];
            if list.last() != Some(&document) {
                list.push(document);
            }
        }
    })?;
    Ok(lists)
}

fn encode(list: &[u32], out: &mut Vec<u8>) {
    let mut last = 0;
    for &document in list {
        let mut rest = document - last;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
        last = document;
    }
}

/// The posting lists of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Postings {
    pub frame: Frame,
    offsets: Section<u64>,
    lists: Section<u8>,
}

impl Postings {
    pub(crate) fn open(frame: Frame, centroids: usize) -> Result<Self> {
        Ok(Self {
            offsets: frame.section_of(OFFSETS, centroids as u64 + 1)?,
            lists: frame.section(LISTS)?,
            frame,
        })
    }

    /// Calls `visit` with the documents of a centroid, ascending and below `documents`. Returns the
    /// bytes read.
    pub(crate) fn visit(
        &self,
        centroid: usize,
        documents: u32,
        mut visit: impl FnMut(u32),
    ) -> Result<u64> {
        let list = self.list(centroid)?;
        let mut next = 0u64;
        let mut at = 0;
        let mut first = true;
        while at < list.len() {
            let mut delta = 0u64;
            let mut shift = 0;
            loop {
                let Some(&byte) = list.get(at).filter(|_| shift < 35) else {
                    return Err(self.invalid(centroid, "a whole number of up to 5 bytes", "none"));
                };
                at += 1;
                delta |= u64::from(byte & 0x7F) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if delta == 0 && !first {
                return Err(self.invalid(centroid, "ascending documents", "the same one twice"));
            }
            first = false;
            next += delta;
            if next >= u64::from(documents) {
                return Err(self.invalid(centroid, &format!("documents below {documents}"), next));
            }
            visit(next as u32);
        }
        Ok(list.len() as u64)
    }

    fn list(&self, centroid: usize) -> Result<&[u8]> {
        let (start, end) = (self.offsets[centroid], self.offsets[centroid + 1]);
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        range
            .and_then(|(s, e)| self.lists.get(s..e))
            .ok_or_else(|| {
                self.frame.error(FormatErrorKind::invalid(
                    OFFSETS,
                    format!("list of centroid {centroid}"),
                    format!("ascending, at most {}", self.lists.len()),
                    format!("{start}..{end}"),
                ))
            })
    }

    fn invalid(&self, centroid: usize, expected: &str, got: impl ToString) -> crate::Error {
        self.frame.error(FormatErrorKind::invalid(
            LISTS,
            format!("list of centroid {centroid}"),
            expected,
            got,
        ))
    }

    /// Checks that the lists are exactly what the codes say.
    pub(crate) fn verify(&self, segment: &Segment) -> Result<()> {
        let documents = segment.documents.len();
        let centroids = self.offsets.len() - 1;
        let mut end = 0;
        // One number for each (centroid, document) pair, summed: equal multisets have equal sums.
        let mut listed = 0u64;
        for centroid in 0..centroids {
            if self.offsets[centroid] != end {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    OFFSETS,
                    format!("list of centroid {centroid}"),
                    end,
                    self.offsets[centroid],
                )));
            }
            self.visit(centroid, documents, |d| {
                listed = listed.wrapping_add(pair(centroid as u32, d));
            })?;
            end = self.offsets[centroid + 1];
        }
        if end != self.lists.len() as u64 {
            return Err(self.frame.error(FormatErrorKind::invalid(
                OFFSETS,
                "end of the last list",
                self.lists.len(),
                end,
            )));
        }
        let mut coded = 0u64;
        let mut codes = Vec::new();
        for document in 0..documents {
            codes.clear();
            codes.extend(
                segment
                    .documents
                    .vectors(document)?
                    .map(|v| segment.vectors.code(v)),
            );
            codes.sort_unstable();
            codes.dedup();
            for &code in &codes {
                coded = coded.wrapping_add(pair(code, document));
            }
        }
        if listed != coded {
            return Err(self.frame.error(FormatErrorKind::invalid(
                LISTS,
                "entries",
                "the documents of each centroid's vectors",
                "others",
            )));
        }
        Ok(())
    }
}

fn pair(centroid: u32, document: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&centroid.to_le_bytes());
    bytes[4..].copy_from_slice(&document.to_le_bytes());
    crate::format::checksum(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postings(directory: &Directory, codes: &[Vec<u32>], memory: usize) -> Postings {
        let seal = write(directory, 1, 5, memory, |visit| {
            for (document, codes) in codes.iter().enumerate() {
                codes.iter().for_each(|&c| visit(document as u32, c));
            }
            Ok(())
        })
        .unwrap();
        let name = file_name(kind::POSTINGS, 1);
        let frame = Frame::open(directory, &name, kind::POSTINGS, Some(seal)).unwrap();
        Postings::open(frame, 5).unwrap()
    }

    #[test]
    fn lists_hold_each_document_once_whatever_the_memory() {
        let tmp = tempfile::tempdir().unwrap();
        let directory = Directory::new(tmp.path());
        let mut codes = vec![vec![0, 3, 3, 0], vec![], vec![3]];
        codes.extend(std::iter::repeat_n(vec![], 300));
        codes.push(vec![4, 3]);
        let mut files = Vec::new();
        for memory in [0, 40, 1 << 20] {
            let postings = postings(&directory, &codes, memory);
            let list = |c| {
                let mut list = Vec::new();
                postings
                    .visit(c, codes.len() as u32, |d| list.push(d))
                    .unwrap();
                list
            };
            assert_eq!(list(0), [0]);
            assert_eq!(list(1), [0u32; 0]);
            assert_eq!(list(3), [0, 2, 303]);
            assert_eq!(list(4), [303]);
            assert!(
                postings.visit(3, 303, |_| ()).is_err(),
                "a document out of range"
            );
            files.push(std::fs::read(tmp.path().join(file_name(kind::POSTINGS, 1))).unwrap());
        }
        assert!(files.windows(2).all(|w| w[0] == w[1]));
    }
}
