//! Section 12: posting lists of words.

use super::bytes::{number, packed};
use super::frame::Sections;
use std::collections::BTreeMap;

/// By term, the documents that have it and where.
pub type Words = BTreeMap<Vec<u8>, Vec<(u64, Vec<u64>)>>;

/// Documents of a block, terms of a block, numbers of a full pack.
const PACK: usize = 128;

/// Reads the words of a segment with so many documents, made by this analyzer of this version. What
/// it returns has positions only where they are stored.
pub fn words(file: &Sections, documents: usize, (analyzer, version): (&str, u64)) -> Words {
    let info = &file["WINF"];
    let positions = number(info, 0, 4) == 1;
    assert!(positions || number(info, 0, 4) == 0);
    assert_eq!(number(info, 4, 4), documents as u64);
    assert_eq!(number(info, 24, 4), version);
    assert_eq!(number(info, 28, 4) as usize, info.len() - 32);
    assert!(info.len() <= 96);
    assert_eq!(&info[32..], analyzer.as_bytes());
    assert_eq!(file["WLEN"].len(), 4 * documents);
    let lengths: Vec<u64> = (0..documents)
        .map(|document| number(&file["WLEN"], 4 * document, 4))
        .collect();
    let mut found = Words::new();
    let mut counted = vec![0; documents];
    for term in terms(file, positions) {
        let list = List {
            bytes: &file["WLST"][term.list.0..term.list.1],
            positions: positions.then(|| &file["WPOS"][term.positions.0..term.positions.1]),
            documents: term.documents,
            once: term.once,
            lengths: &lengths,
        };
        let list = list.read();
        for (document, frequency, _) in &list {
            counted[*document as usize] += frequency;
        }
        let list = list
            .into_iter()
            .map(|(document, _, places)| (document, places));
        assert!(found.insert(term.term, list.collect()).is_none());
    }
    assert_eq!(counted, lengths);
    assert_eq!(number(info, 8, 8), lengths.iter().sum::<u64>());
    assert_eq!(number(info, 16, 8), found.len() as u64);
    found
}

struct Term {
    term: Vec<u8>,
    documents: usize,
    once: bool,
    list: (usize, usize),
    positions: (usize, usize),
}

/// `WTRM` and `WIDX`.
fn terms(file: &Sections, positions: bool) -> Vec<Term> {
    let (bytes, count) = (&file["WTRM"], number(&file["WINF"], 16, 8) as usize);
    assert_eq!(file["WIDX"].len(), 32 * count.div_ceil(32));
    let mut at = 0;
    let (mut list, mut places) = (0, 0);
    let mut found: Vec<Term> = Vec::new();
    for term in 0..count {
        let begin = at;
        let [shared, more] = lengths_of(bytes, &mut at);
        let before = match term % 32 {
            0 => &[][..],
            _ => &found[term - 1].term,
        };
        let text = [&before[..shared], &bytes[at..at + more]].concat();
        at += more;
        if term % 32 == 0 {
            let entry = &file["WIDX"][term..term + 32];
            let first: Vec<u8> = text.iter().copied().chain([0; 8]).take(8).collect();
            let first = first.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
            let expected = [first, begin as u64, list as u64, places as u64];
            assert_eq!([0, 8, 16, 24].map(|at| number(entry, at, 8)), expected);
        }
        assert!((1..=255).contains(&text.len()));
        assert!(found.last().is_none_or(|before| before.term < text));
        let documents = leb128(bytes, &mut at);
        let list_end = list + leb128(bytes, &mut at) as usize;
        let places_end = places
            + if positions {
                leb128(bytes, &mut at) as usize
            } else {
                0
            };
        found.push(Term {
            term: text,
            documents: documents as usize / 2,
            once: documents % 2 == 1,
            list: (list, list_end),
            positions: (places, places_end),
        });
        (list, places) = (list_end, places_end);
    }
    let ends = (bytes.len(), file["WLST"].len(), file["WPOS"].len());
    assert_eq!((at, list, places), ends);
    found
}

/// How many bytes a term shares, and how many follow.
fn lengths_of(bytes: &[u8], at: &mut usize) -> [usize; 2] {
    let head = bytes[*at];
    *at += 1;
    [head >> 4, head & 15].map(|short| match short {
        15 => {
            *at += 1;
            assert!(bytes[*at - 1] >= 15);
            bytes[*at - 1].into()
        }
        short => short.into(),
    })
}

fn leb128(bytes: &[u8], at: &mut usize) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            break;
        }
    }
    value
}

struct List<'f> {
    bytes: &'f [u8],
    positions: Option<&'f [u8]>,
    documents: usize,
    once: bool,
    lengths: &'f [u64],
}

impl List<'_> {
    /// Documents, frequencies and positions.
    fn read(&self) -> Vec<(u64, u64, Vec<u64>)> {
        let blocks = self.documents.div_ceil(PACK);
        assert!(blocks > 0 && !(self.once && self.documents >= PACK));
        let record = if self.positions.is_some() { 18 } else { 14 };
        let data = match blocks {
            1 => self.bytes.len(),
            _ => self.bytes.len() - blocks * record - 6,
        };
        let (mut at, mut place, mut next) = (0, 0, 0);
        let mut found = Vec::new();
        for block in 0..blocks {
            let count = (self.documents - block * PACK).min(PACK);
            let gaps = pack(self.bytes, &mut at, count);
            let frequencies = match self.once {
                true => vec![0; count],
                false => pack(self.bytes, &mut at, count),
            };
            let frequencies: Vec<u64> = frequencies.iter().map(|less| less + 1).collect();
            let steps = self.positions.map(|bytes| {
                let all = frequencies.iter().sum::<u64>() as usize;
                let packs = (0..all).step_by(PACK);
                let packs = packs.flat_map(|from| pack(bytes, &mut place, PACK.min(all - from)));
                packs.collect::<Vec<u64>>()
            });
            let mut steps = steps.into_iter().flatten();
            let first = found.len();
            for (gap, frequency) in gaps.into_iter().zip(frequencies) {
                let document = next + gap;
                next = document + 1;
                assert!((document as usize) < self.lengths.len());
                let mut position = 0;
                let positions = steps.by_ref().take(frequency as usize).map(|step| {
                    position += step;
                    position
                });
                found.push((document, frequency, positions.collect()));
            }
            if blocks > 1 {
                let record = &self.bytes[data + 6 + block * record..][..record];
                let ends = [number(record, 0, 4), number(record, 4, 4)];
                assert_eq!(ends, [next - 1, at as u64]);
                if self.positions.is_some() {
                    assert_eq!(number(record, 8, 4), place as u64);
                }
                self.covered(&found[first..], &record[record.len() - 6..]);
            }
        }
        assert_eq!(at, data);
        assert_eq!(place, self.positions.map_or(0, <[u8]>::len));
        if blocks > 1 {
            self.covered(&found, &self.bytes[data..data + 6]);
        }
        found
    }

    /// For each document some pair has no lower frequency and no longer length.
    fn covered(&self, documents: &[(u64, u64, Vec<u64>)], pairs: &[u8]) {
        let length = |code: u8| match u64::from(code) {
            code @ 0..16 => code,
            code => (16 + code % 16) << (code / 16 - 1),
        };
        for (document, frequency, _) in documents {
            assert!(pairs.chunks(2).any(|pair| {
                u64::from(pair[0]) >= (*frequency).min(255)
                    && length(pair[1]) <= self.lengths[*document as usize]
            }));
        }
    }
}

fn pack(bytes: &[u8], at: &mut usize, count: usize) -> Vec<u64> {
    let mut byte = || {
        *at += 1;
        bytes[*at - 1]
    };
    let head = byte();
    let exceptions = if head & 64 == 0 { 0 } else { byte() };
    let width = usize::from(head & !64);
    assert!(width <= 32);
    let length = (count * width).div_ceil(8);
    let numbers = &bytes[*at..*at + length];
    *at += length;
    let mut found: Vec<u64> = match count {
        PACK => {
            let strings = [0, 1, 2, 3].map(|string| {
                let words = numbers.chunks(4).skip(string).step_by(4);
                words.collect::<Vec<_>>().concat()
            });
            let all = 0..PACK;
            all.map(|i| packed(&strings[i % 4], width, i / 4) as u64)
                .collect()
        }
        _ => (0..count)
            .map(|i| packed(numbers, width, i) as u64)
            .collect(),
    };
    for _ in 0..exceptions {
        let (number, above) = (bytes[*at], bytes[*at + 1]);
        *at += 2;
        found[usize::from(number)] |= u64::from(above) << width;
    }
    assert!(found.iter().all(|number| *number < 1 << 32));
    found
}
