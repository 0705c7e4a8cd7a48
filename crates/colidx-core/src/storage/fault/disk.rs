//! What a disk may hold when power is cut.

use super::Event;
use crate::storage::Memory;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk, and what is on its way to it. Fed with the events of a record one by one, it gives after
/// each what may be left after a crash at that moment: of everything that was not synced any part,
/// in any order.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// Names that are durable.
    names: BTreeMap<String, usize>,
    /// Names as the running system sees them.
    seen: BTreeMap<String, usize>,
    pending: Vec<Names>,
    /// Folders that were made, and whose names are not durable yet.
    folders: Vec<PathBuf>,
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// A change of a file's bytes that was not synced.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut(usize),
}

/// A change of the directory that was not synced: the name that goes, and the name that comes with
/// its file.
#[derive(Debug, Clone)]
struct Names {
    goes: Option<String>,
    comes: Option<(String, usize)>,
}

/// A state that a crash may leave.
#[derive(Debug)]
pub struct Crash {
    /// The files that are there.
    pub files: Memory,
    /// What became of the changes that were not synced, for messages.
    pub what: String,
}

/// What becomes of a change that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    /// Of a write, the sectors that a hash with this seed picks.
    Torn(u64),
}

impl Disk {
    /// Lets an event happen.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { name, file } => {
                self.files
                    .resize_with(self.files.len().max(file + 1), File::default);
                self.seen.insert(name.clone(), *file);
                self.pending.push(Names {
                    goes: None,
                    comes: Some((name.clone(), *file)),
                });
            }
            Event::Write {
                file,
                offset,
                bytes,
            } => self.files[*file].pending.push(Change::Write {
                offset: *offset as usize,
                bytes: bytes.clone(),
            }),
            Event::Cut { file, length } => {
                self.files[*file]
                    .pending
                    .push(Change::Cut(*length as usize));
            }
            Event::Sync { file } => {
                let file = &mut self.files[*file];
                for change in file.pending.drain(..) {
                    change.apply(Fate::Kept, &mut file.durable);
                }
            }
            Event::Rename { from, to } => {
                let file = self.seen.remove(from);
                let comes = file.map(|file| (to.clone(), file));
                self.seen.extend(comes.clone());
                self.pending.push(Names {
                    goes: Some(from.clone()),
                    comes,
                });
            }
            Event::Remove { name } => {
                self.seen.remove(name);
                self.pending.push(Names {
                    goes: Some(name.clone()),
                    comes: None,
                });
            }
            Event::SyncDirectory => {
                for change in self.pending.drain(..) {
                    change.apply(&mut self.names);
                }
            }
            Event::MakeFolder { path } => self.folders.push(path.clone()),
            Event::SyncFolder { path } => {
                let above = |made: &PathBuf| match made.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => path == Path::new("."),
                    parent => parent == Some(path),
                };
                self.folders.retain(|made| !above(made));
            }
        }
    }

    /// States that a crash may leave now: with all that was not synced kept, with all of it lost,
    /// with one change lost, with one kept, and `samples` more with any subset, writes torn at
    /// sectors.
    pub fn crashes(&self, samples: usize, seed: u64) -> impl Iterator<Item = Crash> + '_ {
        let of_files: usize = self.files.iter().map(|f| f.pending.len()).sum();
        let changes = self.folders.len() + self.pending.len() + of_files;
        let but = move |at: usize, one: Fate, rest: Fate| -> Vec<Fate> {
            (0..changes)
                .map(|i| if i == at { one } else { rest })
                .collect()
        };
        let ends = [Fate::Kept, Fate::Lost].map(|fate| vec![fate; changes]);
        let ones = (0..changes).flat_map(move |at| {
            [
                but(at, Fate::Kept, Fate::Lost),
                but(at, Fate::Lost, Fate::Kept),
            ]
        });
        let sampled = (0..if changes == 0 { 0 } else { samples }).map(move |sample| {
            let chance = |i: u64| hash(seed, &[sample as u64, i]);
            let fate = |i: usize| match chance(i as u64) % 4 {
                0 => Fate::Kept,
                1 => Fate::Lost,
                _ => Fate::Torn(chance(!(i as u64))),
            };
            (0..changes).map(fate).collect()
        });
        let all = ends.into_iter().chain(ones).chain(sampled);
        all.zip(0u64..)
            .map(move |(fates, i)| self.crash(&fates, hash(seed, &[i])))
    }

    fn crash(&self, fates: &[Fate], seed: u64) -> Crash {
        let mut fates = fates.iter().copied();
        let mut what = Vec::new();
        let mut names = self.names.clone();
        // A change of names is one sector of a journal.
        let of_a_name = |fate| match fate {
            Some(Fate::Torn(seed)) if seed.is_multiple_of(2) => Fate::Lost,
            Some(Fate::Lost) => Fate::Lost,
            _ => Fate::Kept,
        };
        let mut lost = false;
        for folder in &self.folders {
            let fate = of_a_name(fates.next());
            what.push(format!("folder {} {fate:?}", folder.display()));
            lost |= fate == Fate::Lost;
        }
        for change in &self.pending {
            let fate = of_a_name(fates.next());
            what.push(format!("{change:?} {fate:?}"));
            if fate == Fate::Kept {
                change.apply(&mut names);
            }
        }
        let contents: Vec<Vec<u8>> = self
            .files
            .iter()
            .zip(0u64..)
            .map(|(file, number)| {
                let mut bytes = file.durable.clone();
                for (at, change) in file.pending.iter().enumerate() {
                    let fate = fates.next().unwrap_or(Fate::Kept);
                    what.push(format!("file {number} change {at} {fate:?}"));
                    change.apply(fate, &mut bytes);
                }
                // A file system may note the length before the bytes come, and show zeros or old
                // bytes in their place.
                let chance = hash(seed, &[number]);
                if chance.is_multiple_of(4) && !file.pending.is_empty() {
                    let fill = if chance.is_multiple_of(8) { 0 } else { 0xA5 };
                    let length = file.whole_length();
                    bytes.resize(bytes.len().max(length), fill);
                }
                bytes
            })
            .collect();
        if lost {
            // With a folder everything below it is gone.
            names.clear();
        }
        let files = names
            .iter()
            .map(|(name, &file)| (name.as_str(), &contents[file][..]));
        Crash {
            files: Memory::with_files(files),
            what: what.join(", "),
        }
    }
}

impl File {
    /// Bytes when every change is kept.
    fn whole_length(&self) -> usize {
        self.pending
            .iter()
            .fold(self.durable.len(), |length, change| match change {
                Change::Write { offset, bytes } => length.max(offset + bytes.len()),
                Change::Cut(length) => *length,
            })
    }
}

impl Change {
    fn apply(&self, fate: Fate, to: &mut Vec<u8>) {
        let (offset, bytes) = match (self, fate) {
            (_, Fate::Lost) => return,
            (Change::Cut(length), _) => return to.resize(*length, 0),
            (Change::Write { offset, bytes }, _) => (*offset, bytes),
        };
        let mut at = 0;
        while at < bytes.len() {
            let start = offset + at;
            let end = bytes.len().min(at + SECTOR - start % SECTOR);
            let kept = match fate {
                Fate::Torn(seed) => hash(seed, &[start as u64]).is_multiple_of(2),
                _ => true,
            };
            if kept {
                let part = &bytes[at..end];
                to.resize(to.len().max(start + part.len()), 0);
                to[start..start + part.len()].copy_from_slice(part);
            }
            at = end;
        }
    }
}

impl Names {
    fn apply(&self, to: &mut BTreeMap<String, usize>) {
        if let Some(name) = &self.goes {
            to.remove(name);
        }
        to.extend(self.comes.clone());
    }
}

fn hash(seed: u64, numbers: &[u64]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(bytemuck::cast_slice(numbers), seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn states(disk: &Disk) -> BTreeSet<Vec<(String, Vec<u8>)>> {
        let files = |crash: Crash| crash.files.files().into_iter().collect();
        disk.crashes(200, 1).map(files).collect()
    }

    fn write(file: usize, offset: u64, bytes: &[u8]) -> Event {
        Event::Write {
            file,
            offset,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn a_folder_that_is_lost_takes_everything_with_it() {
        let mut disk = Disk::default();
        let path = |path: &str| PathBuf::from(path);
        for made in ["a", "a/b"] {
            disk.apply(&Event::MakeFolder { path: path(made) });
        }
        disk.apply(&Event::Create {
            name: "f".into(),
            file: 0,
        });
        disk.apply(&Event::Sync { file: 0 });
        disk.apply(&Event::SyncDirectory);
        for synced in ["a", "."] {
            assert!(states(&disk).contains(&vec![]), "before {synced}");
            disk.apply(&Event::SyncFolder { path: path(synced) });
        }
        let sure = vec![("f".to_owned(), vec![])];
        assert_eq!(states(&disk), BTreeSet::from([sure]));
    }

    #[test]
    fn only_what_was_synced_is_sure() {
        let mut disk = Disk::default();
        disk.apply(&Event::Create {
            name: "a".into(),
            file: 0,
        });
        disk.apply(&write(0, 0, &[1; 600]));
        let seen = states(&disk);
        assert!(seen.contains(&vec![]), "the name may be lost");
        assert!(seen.contains(&vec![("a".into(), vec![])]));
        assert!(seen.contains(&vec![("a".into(), vec![1; 600])]));
        assert!(seen.contains(&vec![("a".into(), vec![1; 512])]), "torn");
        let second_sector = [vec![0; 512], vec![1; 88]].concat();
        assert!(seen.contains(&vec![("a".into(), second_sector)]), "torn");
        assert!(
            seen.contains(&vec![("a".into(), vec![0; 600])]),
            "length only"
        );

        disk.apply(&Event::Sync { file: 0 });
        let whole = vec![("a".to_owned(), vec![1; 600])];
        assert_eq!(states(&disk), BTreeSet::from([vec![], whole.clone()]));
        disk.apply(&Event::SyncDirectory);
        assert_eq!(states(&disk), BTreeSet::from([whole.clone()]));

        disk.apply(&Event::Cut { file: 0, length: 2 });
        disk.apply(&Event::Rename {
            from: "a".into(),
            to: "b".into(),
        });
        let seen = states(&disk);
        let cut = vec![1; 2];
        assert!(seen.contains(&vec![("b".into(), cut.clone())]));
        assert!(seen.contains(&vec![("a".into(), cut)]));
        assert!(seen.contains(&whole));
        assert!(seen.iter().all(|s| s.len() == 1), "a rename is whole");
        disk.apply(&Event::Remove { name: "b".into() });
        assert!(states(&disk).contains(&vec![]));
    }
}
