//! Posting lists: for every centroid the documents that have a vector near it.
//!
//! Lists are Elias-Fano coded and read in place. A small segment has lists for few centroids and
//! names these, so that its size is in proportion to its vectors. A large one has a list for every
//! centroid, which needs no look-up.

use super::{Segment, elias_fano};
use crate::codebook::codes::{TAIL, centroid};
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{FileDigest, Frame, FrameWriter, Section};
use crate::format::{FileKind, Tag, file_name};
use crate::storage::Directory;
use std::ops::Range;

const CENTROIDS: Tag = Tag(*b"LCEN");
const OFFSETS: Tag = Tag(*b"LOFF");
const LISTS: Tag = Tag(*b"LIST");

/// Centroids are named where fewer than one in this many has a document: a look-up then touches
/// little memory.
const NAMED_BELOW: usize = 8;

/// Writes the posting lists of a segment.
///
/// `scan` calls its argument with every `(document, code)` in document order. It is called once to
/// count and then once for every range of centroids whose entries fit `memory` bytes, so memory is
/// bounded whatever the segment's size, and the bytes written do not depend on it.
pub(crate) fn write(
    directory: &Directory,
    number: u32,
    centroids: usize,
    documents: u32,
    memory: usize,
    scan: impl Fn(&mut dyn FnMut(u32, u32)) -> Result<()>,
) -> Result<FileDigest> {
    let mut counts = vec![0u32; centroids];
    scan(&mut |_, code| counts[code as usize] += 1)?;

    let name = file_name(FileKind::Postings, number);
    let mut w = FrameWriter::create(directory, &name, FileKind::Postings)?;
    w.begin(LISTS)?;
    let used = counts.iter().filter(|&&n| n > 0).count();
    let named = used * NAMED_BELOW < centroids;
    let mut names = Vec::new();
    let mut offsets = vec![0u64];
    let mut first = 0;
    let mut bytes = Vec::new();
    while first < centroids {
        let range = next_range(&counts, first, memory);
        let lists = collect(&counts, range.clone(), &scan)?;
        for (centroid, list) in range.clone().zip(&lists) {
            if named {
                if list.is_empty() {
                    continue;
                }
                names.push(centroid as u32);
            }
            bytes.clear();
            elias_fano::encode(list, documents, &mut bytes);
            w.write(&bytes)?;
            offsets.push(offsets[offsets.len() - 1] + bytes.len() as u64);
        }
        first = range.end;
    }
    w.write(&[0; TAIL])?;
    w.section(CENTROIDS, bytemuck::cast_slice(&names))?;
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

/// The posting lists of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Postings {
    pub frame: Frame,
    /// The centroids that have a list, ascending; `None` when every centroid has one.
    names: Option<Section<u32>>,
    offsets: Section<u64>,
    lists: Section<u8>,
    /// Vectors of the segment, each in one list at most.
    vectors: u64,
}

impl Postings {
    pub(crate) fn open(frame: Frame, centroids: usize, vectors: u64) -> Result<Self> {
        let lists = frame.section::<u8>(LISTS)?;
        if lists.len() < TAIL {
            return Err(frame.error(FormatErrorKind::Length {
                section: LISTS.to_string(),
                expected: TAIL as u64,
                got: lists.len() as u64,
            }));
        }
        let names = frame.section::<u32>(CENTROIDS)?;
        let offsets = frame.section::<u64>(OFFSETS)?;
        let all = names.is_empty() && offsets.len() == centroids + 1;
        // Without a list nothing would be found.
        let some = !names.is_empty() || vectors == 0;
        if !(all || some && offsets.len() == names.len() + 1) {
            return Err(frame.error(FormatErrorKind::invalid(
                OFFSETS,
                "entries",
                format!(
                    "{} for all centroids, or one more than {CENTROIDS} has",
                    centroids + 1
                ),
                format!("{} offsets, {} names", offsets.len(), names.len()),
            )));
        }
        Ok(Self {
            names: (!all).then_some(names),
            offsets,
            lists,
            vectors,
            frame,
        })
    }

    /// Replaces `out` by the documents of different centroids, list after list, each ascending and
    /// below `documents`. Returns the range of each list in it, and the bytes read.
    pub(crate) fn read(
        &self,
        centroids: &[u32],
        documents: u32,
        out: &mut Vec<u32>,
    ) -> Result<(Vec<Range<usize>>, u64)> {
        out.clear();
        let (mut ranges, mut bytes) = (Vec::with_capacity(centroids.len()), 0);
        for &centroid in centroids {
            let start = out.len();
            if let Some(place) = self.place(centroid) {
                bytes += self.read_at(place, documents, out)?;
            }
            ranges.push(start..out.len());
            // Damaged lists must not ask for more memory than their vectors could need.
            if out.len() as u64 > self.vectors {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    LISTS,
                    "entries",
                    format!("at most one for each of {} vectors", self.vectors),
                    out.len(),
                )));
            }
        }
        Ok((ranges, bytes))
    }

    fn read_at(&self, place: usize, documents: u32, out: &mut Vec<u32>) -> Result<u64> {
        let list = self.list(place)?;
        let length = list.len() as u64;
        elias_fano::decode(&self.lists[list], documents, out).map_err(|expected| {
            self.frame.error(FormatErrorKind::invalid(
                LISTS,
                format!("list {place}"),
                expected,
                "another code",
            ))
        })?;
        Ok(length)
    }

    /// All lists.
    pub(crate) fn lists(&self) -> &Section<u8> {
        &self.lists
    }

    /// The bytes of a centroid's list among them, if it has one.
    pub(crate) fn bytes_of(&self, centroid: u32) -> Result<Option<Range<usize>>> {
        self.place(centroid)
            .map(|place| self.list(place))
            .transpose()
    }

    /// The length of a centroid's list, as the list says.
    pub(crate) fn count(&self, centroid: u32) -> Result<u32> {
        let Some(place) = self.place(centroid) else {
            return Ok(0);
        };
        let list = self.list(place)?;
        Ok(elias_fano::count(&self.lists[list]).unwrap_or(0))
    }

    /// Which list is the centroid's, if it has one.
    fn place(&self, centroid: u32) -> Option<usize> {
        match &self.names {
            None => Some(centroid as usize),
            Some(names) => names.binary_search(&centroid).ok(),
        }
    }

    /// The bytes of a list.
    fn list(&self, place: usize) -> Result<Range<usize>> {
        let (start, end) = (self.offsets[place], self.offsets[place + 1]);
        let lists = self.lists.len() - TAIL;
        if start <= end && end <= lists as u64 {
            return Ok(start as usize..end as usize);
        }
        Err(self.frame.error(FormatErrorKind::invalid(
            OFFSETS,
            format!("list {place}"),
            format!("ascending, at most {lists}"),
            format!("{start}..{end}"),
        )))
    }

    /// Checks that the lists are exactly what the codes say.
    pub(crate) fn verify(&self, segment: &Segment) -> Result<()> {
        let documents = segment.documents.len();
        if let Some(names) = &self.names
            && let Some(at) = (1..names.len()).find(|&at| names[at - 1] >= names[at])
        {
            return Err(self.frame.error(FormatErrorKind::invalid(
                CENTROIDS,
                format!("entry {at}"),
                "above the one before",
                names[at],
            )));
        }
        let mut end = 0;
        // One number for each (centroid, document) pair, summed: equal multisets have equal sums.
        let mut listed = 0u64;
        let mut list = Vec::new();
        for place in 0..self.offsets.len() - 1 {
            if self.offsets[place] != end {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    OFFSETS,
                    format!("list {place}"),
                    end,
                    self.offsets[place],
                )));
            }
            list.clear();
            self.read_at(place, documents, &mut list)?;
            let centroid = self.names.as_ref().map_or(place as u32, |n| n[place]);
            for &document in &list {
                listed = listed.wrapping_add(pair(centroid, document));
            }
            end = self.offsets[place + 1];
        }
        let lists = self.lists.len() - TAIL;
        if self.lists[lists..].iter().any(|&byte| byte != 0) {
            let what = "bytes after the last list";
            let kind = FormatErrorKind::invalid(LISTS, what, 0, "others");
            return Err(self.frame.error(kind));
        }
        if end != lists as u64 {
            return Err(self.frame.error(FormatErrorKind::invalid(
                OFFSETS,
                "end of the last list",
                lists,
                end,
            )));
        }
        let mut coded = 0u64;
        let mut codes = Vec::new();
        for document in 0..documents {
            segment
                .vectors
                .codes
                .read(segment.documents.vectors(document)?, &mut codes);
            let centroids = &mut codes;
            centroids
                .iter_mut()
                .for_each(|code| *code = centroid(*code));
            centroids.sort_unstable();
            centroids.dedup();
            for &centroid in &*centroids {
                coded = coded.wrapping_add(pair(centroid, document));
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
        let digest = write(directory, 1, 5, codes.len() as u32, memory, |visit| {
            for (document, codes) in codes.iter().enumerate() {
                codes.iter().for_each(|&c| visit(document as u32, c));
            }
            Ok(())
        })
        .unwrap();
        let name = file_name(FileKind::Postings, 1);
        let frame = Frame::open(directory, &name, FileKind::Postings, Some(digest)).unwrap();
        Postings::open(frame, 5, codes.concat().len() as u64).unwrap()
    }

    #[test]
    fn lists_hold_each_document_once_whatever_the_memory() {
        let directory = Directory::memory();
        let mut codes = vec![vec![0, 3, 3, 0], vec![], vec![3]];
        codes.extend(std::iter::repeat_n(vec![], 300));
        codes.push(vec![4, 3]);
        let mut files = Vec::new();
        for memory in [0, 40, 1 << 20] {
            let postings = postings(&directory, &codes, memory);
            let list = |c| {
                let mut list = vec![77];
                postings.read(&[c], codes.len() as u32, &mut list).unwrap();
                list
            };
            assert_eq!(list(0), [0]);
            assert_eq!(list(1), [0u32; 0]);
            assert_eq!(list(3), [0, 2, 303]);
            assert_eq!(list(4), [303]);
            assert!(
                postings.read(&[3], 303, &mut Vec::new()).is_err(),
                "a document out of range"
            );
            let all = |postings: &Postings| {
                let mut lists = Vec::new();
                let read = postings.read(&[0, 1, 3, 4], codes.len() as u32, &mut lists);
                read.map(|(ranges, _)| (ranges, lists))
            };
            let (ranges, lists) = all(&postings).unwrap();
            assert_eq!(ranges, [0..1, 1..1, 1..4, 4..5]);
            assert_eq!(lists, [0, 0, 2, 303, 303]);
            let of_fewer = Postings {
                vectors: 4,
                ..postings.clone()
            };
            assert!(all(&of_fewer).is_err(), "more entries than vectors");
            files.push(
                directory
                    .map(&file_name(FileKind::Postings, 1))
                    .unwrap()
                    .to_vec(),
            );
        }
        assert!(files.windows(2).all(|w| w[0] == w[1]));
    }
}
