//! Index files taken apart into sections and reassembled with right checksums, so that only
//! what they say is wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// Name and bytes of each section of a file, in its order.
pub type Sections = Vec<([u8; 4], Vec<u8>)>;

/// The files of an index by name, without its lock.
pub type Files = BTreeMap<String, Vec<u8>>;

pub const MANIFEST: &str = "manifest";

/// Bytes of a header, and of a footer.
pub const EDGE: usize = 64;

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Name and place of every section of a good file.
pub fn sections(file: &[u8]) -> Vec<([u8; 4], Range<usize>)> {
    let footer = file.len() - EDGE;
    let entry = |i: u64| (u64_at(file, footer) + 32 * i) as usize;
    (0..u64_at(file, footer + 8))
        .map(|i| {
            let start = u64_at(file, entry(i) + 8) as usize;
            let length = u64_at(file, entry(i) + 16) as usize;
            let tag = file[entry(i)..][..4].try_into().unwrap();
            (tag, start..start + length)
        })
        .collect()
}

/// Where the directory of a good file begins.
pub fn directory(file: &[u8]) -> usize {
    u64_at(file, file.len() - EDGE) as usize
}

/// The sections of a good file.
pub fn contents(file: &[u8]) -> Sections {
    sections(file)
        .into_iter()
        .map(|(tag, range)| (tag, file[range].to_vec()))
        .collect()
}

/// A file of these sections with right checksums, behind the header of another.
pub fn frame(header: &[u8], sections: &Sections) -> Vec<u8> {
    let mut file = header[..EDGE].to_vec();
    let mut directory = Vec::new();
    for (tag, bytes) in sections {
        directory.extend(tag);
        directory.extend([0; 4]);
        for number in [file.len() as u64, bytes.len() as u64, xxh3_64(bytes)] {
            directory.extend(number.to_le_bytes());
        }
        file.extend(bytes);
        file.resize(file.len().next_multiple_of(64), 0);
    }
    let at = file.len() as u64;
    file.extend(&directory);
    file.resize(file.len().next_multiple_of(64), 0);
    let mut footer = Vec::new();
    let length = (file.len() + EDGE) as u64;
    for number in [at, sections.len() as u64, 0, length, 0, 0, 0] {
        footer.extend(number.to_le_bytes());
    }
    file.extend(footer);
    file.extend(b"\x43\x4c\x58\x8a\x65\x6e\x64\x0a");
    repair(&mut file);
    file
}

/// Makes every checksum of a file right, as far as its offsets and lengths allow.
pub fn repair(file: &mut [u8]) {
    let Some(footer) = file.len().checked_sub(EDGE).filter(|&at| at >= EDGE) else {
        return;
    };
    let put = |file: &mut [u8], at: usize, sum: u64| {
        file[at..at + 8].copy_from_slice(&sum.to_le_bytes());
    };
    let sum = xxh3_64(&file[..56]);
    put(file, 56, sum);
    let within = |start: u64, length: u64| -> Option<Range<usize>> {
        let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
        let end = start.checked_add(length)?;
        (EDGE <= start && end <= footer).then_some(start..end)
    };
    let count = u32::from_le_bytes(file[footer + 8..footer + 12].try_into().unwrap());
    if let Some(directory) = within(u64_at(file, footer), u64::from(count) * 32) {
        for entry in directory.clone().step_by(32) {
            if let Some(section) = within(u64_at(file, entry + 8), u64_at(file, entry + 16)) {
                let sum = xxh3_64(&file[section]);
                put(file, entry + 24, sum);
            }
        }
        let sum = xxh3_64(&file[directory]);
        put(file, footer + 16, sum);
    }
    let sum = xxh3_64(&file[footer..footer + 48]);
    put(file, footer + 48, sum);
}

/// Makes the manifest name a file as it is now, by its length and the checksum of its footer; one
/// that has no record of the file stays as it is.
pub fn name_in_manifest(files: &mut Files, name: &str) {
    let file = &files[name];
    let number = name.rsplit_once('-').map(|(_, number)| &number[..8]);
    let number: u32 = number.unwrap().parse().unwrap();
    let key = [&file[8..12], &number.to_le_bytes()].concat();
    let length = (file.len() as u64).to_le_bytes();
    let seal = [&length, &file[file.len() - 16..][..8]].concat();

    let manifest = &files[MANIFEST];
    let mut sections = contents(manifest);
    let records = sections.iter_mut().find(|s| &s.0 == b"FILE").unwrap();
    let (records, _) = records.1.as_chunks_mut::<32>();
    let Some(record) = records.iter_mut().find(|r| r.starts_with(&key)) else {
        return;
    };
    record[8..24].copy_from_slice(&seal);
    let manifest = frame(manifest, &sections);
    files.insert(MANIFEST.into(), manifest);
}

/// Sets the first feature word of a file.
pub fn set_features(file: &mut [u8], features: u64) {
    file[16..24].copy_from_slice(&features.to_le_bytes());
    repair(file);
}

/// Sets the second feature word of a file, which a reader may ignore.
pub fn set_optional_features(file: &mut [u8], features: u64) {
    file[24..32].copy_from_slice(&features.to_le_bytes());
    repair(file);
}

/// The index as one from before there were columns and words.
pub fn without_features(files: &Files) -> Files {
    let mut files = files.clone();
    files.retain(|name, _| !name.starts_with("columns") && !name.starts_with("words"));
    let mut sections = contents(&files[MANIFEST]);
    sections.retain(|(tag, _)| tag != b"WORD");
    let records = sections.iter_mut().find(|s| &s.0 == b"FILE").unwrap();
    let kept = records
        .1
        .chunks(32)
        .filter(|r| !matches!(&r[..4], b"COLS" | b"WRDS"));
    records.1 = kept.collect::<Vec<_>>().concat();
    let mut manifest = frame(&files[MANIFEST], &sections);
    set_features(&mut manifest, 0);
    files.insert(MANIFEST.into(), manifest);
    files
}

/// Puts other sections into a file, which the manifest then names.
pub fn replace(files: &mut Files, name: &str, sections: &Sections) {
    let file = frame(&files[name], sections);
    files.insert(name.into(), file);
    if name != MANIFEST {
        name_in_manifest(files, name);
    }
}
