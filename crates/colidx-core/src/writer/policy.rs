//! Which segments are merged, and when: by size tiers.
//!
//! Tier `t` is of things of `FAN^t` to below `FAN^(t + 1)` bytes. When [`FAN`] or more are in one
//! tier they become one, which is in the next tier or above. So no more than `FAN - 1` stay in a
//! tier, and what was added is copied at most once for each tier it rises through: both grow with
//! the logarithm of the size. Segments are merged so, and files of deletions.

use std::collections::BTreeMap;

/// Segments of a tier that are merged into one. More would copy less, but leave more segments, each
/// of which costs every search a little.
pub(super) const FAN: usize = 4;

/// A segment is rewritten when one in this many of its documents is deleted: at most three bytes
/// are then copied for one that is reclaimed.
const STALE: u64 = 4;

/// Documents that one segment can number.
const MOST_DOCUMENTS: u64 = u32::MAX as u64;

/// What decides about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub bytes: u64,
    /// Those deleted since included.
    pub documents: u64,
    pub deleted: u64,
}

/// The places of the segments to merge next, ascending; one alone is rewritten without its deleted
/// documents.
pub(super) fn next_merge(segments: &[Size]) -> Option<Vec<usize>> {
    let bytes: Vec<u64> = segments.iter().map(|s| s.bytes).collect();
    let is_stale = |s: &Size| s.deleted > 0 && s.deleted * STALE >= s.documents;
    let group = crowded(&bytes).map(|group| fitting(group, segments));
    let stale = || segments.iter().position(is_stale).map(|at| vec![at]);
    group.filter(|group| group.len() > 1).or_else(stale)
}

/// Of a group as many of the smallest as one segment can number.
fn fitting(mut group: Vec<usize>, segments: &[Size]) -> Vec<usize> {
    group.sort_by_key(|&at| segments[at].documents);
    let mut documents = 0;
    group.retain(|&at| {
        documents += segments[at].documents - segments[at].deleted;
        documents <= MOST_DOCUMENTS
    });
    group.sort_unstable();
    group
}

/// The places of those that are to become one, ascending: all of the lowest tier that has [`FAN`],
/// and of those above that the result would crowd.
pub(super) fn crowded(sizes: &[u64]) -> Option<Vec<usize>> {
    let mut tiers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, &size) in sizes.iter().enumerate() {
        tiers.entry(tier(size)).or_default().push(at);
    }
    let lowest = tiers.iter().find(|(_, members)| members.len() >= FAN);
    let lowest = *lowest?.0;
    let mut group = tiers.remove(&lowest)?;
    loop {
        let size = group.iter().map(|&at| sizes[at]).sum();
        match tiers.remove(&tier(size)) {
            Some(members) if members.len() + 1 >= FAN => group.extend(members),
            _ => break,
        }
    }
    group.sort_unstable();
    Some(group)
}

fn tier(size: u64) -> u32 {
    size.max(1).ilog(FAN as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a segment costs without any documents.
    const OVERHEAD: u64 = 2000;

    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        *state >> 33
    }

    #[test]
    fn a_crowd_takes_with_it_whom_it_would_crowd() {
        assert_eq!(crowded(&[]), None);
        assert_eq!(crowded(&[100, 100, 100, 1000]), None);
        assert_eq!(crowded(&[100, 1000, 100, 100, 101]), Some(vec![0, 2, 3, 4]));
        // Tiers 3 and 4 begin at 64 and 256.
        let sizes = [300, 70, 70, 300, 70, 300, 70, 5000];
        assert_eq!(crowded(&sizes), Some(vec![0, 1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn stale_segments_are_rewritten_and_none_outgrows_its_numbers() {
        let size = |documents, deleted| Size {
            bytes: 100,
            documents,
            deleted,
        };
        assert_eq!(next_merge(&[size(100, 24), size(3, 0)]), None);
        assert_eq!(next_merge(&[size(9, 0), size(100, 25)]), Some(vec![1]));
        assert_eq!(next_merge(&[size(1, 1)]), Some(vec![0]));
        let large = size(u64::from(u32::MAX) / 2 + 1, 0);
        assert_eq!(next_merge(&[large; 4]), None);
        let some = [large, size(7, 0), size(9, 1), large];
        assert_eq!(next_merge(&some), Some(vec![0, 1, 2]));
    }

    /// Thousands of commits of any size, with and without deletions: few segments, little copying.
    #[test]
    fn segments_stay_few_and_bytes_are_copied_few_times() {
        for (commits, most, deletes) in [
            (5000, 1, false),
            (5000, 1, true),
            (3000, 1000, false),
            (3000, 1000, true),
            (1000, 1_000_000, true),
        ] {
            let mut state = 1;
            let mut segments = vec![Size {
                bytes: OVERHEAD + 100_000_000,
                documents: 100_000,
                deleted: 0,
            }];
            let (mut added, mut copied, mut reclaimed, mut most_segments) = (0, 0, 0, 0);
            for _ in 0..commits {
                let documents = 1 + random(&mut state) % most;
                let bytes = OVERHEAD + 1000 * documents;
                added += bytes;
                segments.push(Size {
                    bytes,
                    documents,
                    deleted: 0,
                });
                if deletes {
                    for _ in 0..documents / 2 + random(&mut state) % 2 {
                        let at = random(&mut state) as usize % segments.len();
                        let s = &mut segments[at];
                        s.deleted += u64::from(s.deleted < s.documents);
                    }
                }
                while let Some(group) = next_merge(&segments) {
                    let merged: Vec<Size> = group.iter().map(|&at| segments[at]).collect();
                    let sum = |of: fn(&Size) -> u64| merged.iter().map(of).sum::<u64>();
                    let documents = sum(|s| s.documents - s.deleted);
                    let bytes = OVERHEAD + 1000 * documents;
                    reclaimed += sum(|s| s.bytes).saturating_sub(bytes);
                    copied += bytes;
                    for &at in group.iter().rev() {
                        segments.remove(at);
                    }
                    if documents > 0 {
                        segments.push(Size {
                            bytes,
                            documents,
                            deleted: 0,
                        });
                    }
                }
                most_segments = most_segments.max(segments.len());
            }
            let total: u64 = segments.iter().map(|s| s.bytes).sum();
            let tiers = u64::from(tier(total) - tier(OVERHEAD) + 1);
            let bound = (FAN as u64 - 1) * tiers;
            assert!(most_segments as u64 <= bound, "{most_segments} > {bound}");
            let bound = added * tiers + 3 * reclaimed;
            assert!(copied <= bound, "{copied} > {bound}");
            println!(
                "{commits} commits of up to {most}, deletes {deletes}: at most {most_segments} segments in {tiers} tiers, {:.1} bytes copied for one added",
                copied as f64 / added as f64
            );
        }
    }
}
