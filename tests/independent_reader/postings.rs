//! Section 9: posting lists.

use super::bytes::{numbers, packed, split_packed};
use super::frame::Sections;

pub fn postings(file: &Sections, documents: usize, centroids: usize) -> Vec<Vec<usize>> {
    let mut names = numbers(&file["LCEN"], 4);
    assert!(names.is_sorted_by(|a, b| a < b));
    let offsets = numbers(&file["LOFF"], 8);
    let (lists, tail) = file["LIST"].split_at(file["LIST"].len() - 8);
    assert_eq!(tail, [0; 8]);
    assert_eq!(
        (offsets[0], offsets[offsets.len() - 1]),
        (0, lists.len() as u64)
    );
    if names.is_empty() && offsets.len() == centroids + 1 {
        names = (0..centroids as u64).collect();
    }
    assert_eq!(offsets.len(), names.len() + 1);
    let mut found = vec![Vec::new(); centroids];
    for (name, range) in names.iter().zip(offsets.windows(2)) {
        let code = &lists[range[0] as usize..range[1] as usize];
        found[*name as usize] = list(code, documents);
    }
    found
}

/// An Elias-Fano code.
fn list(code: &[u8], documents: usize) -> Vec<usize> {
    let bytes = 1 + code.iter().position(|b| b & 128 == 0).unwrap();
    let (leb128, rest) = code.split_at(bytes);
    assert!(bytes <= 5 && (bytes == 1 || leb128[bytes - 1] != 0));
    let count = leb128
        .iter()
        .rev()
        .fold(0, |n, b| n << 7 | usize::from(b & 127));
    if count == 0 {
        assert!(rest.is_empty());
        return Vec::new();
    }
    let low = (documents / count).ilog2() as usize;
    let (lower, upper) = split_packed(rest, low, count);
    assert_ne!(upper[upper.len() - 1], 0);
    let set = (0..8 * upper.len()).filter(|&bit| packed(upper, 1, bit) == 1);
    let list: Vec<usize> = set
        .enumerate()
        .map(|(i, bit)| (bit - i) << low | packed(lower, low, i))
        .collect();
    assert_eq!(list.len(), count);
    list
}
