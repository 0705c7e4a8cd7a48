//! Headers, directories and footers that lie.

use crate::common::forge::{MANIFEST, name_in_manifest, repair};
use crate::common::open;
use crate::victim::{Victim, put, u64_at};

/// Header, directory and footer: every field of each, with right checksums.
#[test]
fn frames_that_lie_are_refused_at_open() {
    let victim = Victim::new();
    let mut refusals = 0;
    for (name, good) in &victim.good {
        let mut refused = |says: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let mut file = good.clone();
            change(&mut file);
            repair(&mut file);
            let mut files = victim.good.clone();
            files.insert(name.clone(), file);
            if name != MANIFEST {
                name_in_manifest(&mut files, name);
            }
            let error = open(&files).expect_err(says).to_string();
            assert!(
                error.contains(name) && error.contains(says),
                "{says}: {error}"
            );
            refusals += 1;
        };
        let footer = good.len() - 64;
        let directory = u64_at(good, footer) as usize;
        let count = u64_at(good, footer + 8) as usize;
        let ones = &[0xFF; 8][..];

        refused("magic", &|f| put(0, &[0x89])(f));
        refused("kind", &|f| put(8, b"WHAT")(f));
        refused("version", &|f| put(12, &[0xFF])(f));
        refused("reserved", &|f| put(14, &[1])(f));
        refused("feature", &|f| put(23, &[0x80])(f));
        refused("reserved", &|f| put(32, &[1])(f));
        refused("reserved", &|f| put(55, &[1])(f));

        for offset in [0, 1, 63, directory - 64, directory + 64, footer, usize::MAX] {
            refused("directory", &|f| put(footer, &offset.to_le_bytes())(f));
        }
        for sections in [0, count as u32 + 1, 64, 65, u32::MAX] {
            refused(name, &|f| put(footer + 8, &sections.to_le_bytes())(f));
        }
        refused("reserved", &|f| put(footer + 12, &[1])(f));
        refused("bytes", &|f| put(footer + 24, ones)(f));
        refused("reserved", &|f| put(footer + 32, &[1])(f));
        refused("reserved", &|f| put(footer + 47, &[1])(f));
        refused("end magic", &|f| put(footer + 56, &[0])(f));

        for entry in (0..count).map(|i| directory + 32 * i) {
            refused("reserved", &|f| put(entry + 4, &[1])(f));
            let (offset, length) = (u64_at(good, entry + 8), u64_at(good, entry + 16));
            for lie in [
                0,
                offset + 1,
                offset - 64,
                offset + 64,
                u64::MAX,
                u64::MAX - 63,
            ] {
                refused("range", &|f| put(entry + 8, &lie.to_le_bytes())(f));
            }
            for lie in [
                length + 64,
                u64::MAX,
                u64::MAX - offset,
                u64::MAX - offset + 1,
            ] {
                refused("sect", &|f| put(entry + 16, &lie.to_le_bytes())(f));
            }
            if entry > directory {
                let first = &good[directory..directory + 4];
                refused("occurrences", &|f| put(entry, first)(f));
            }
            // A section by another name is one that is missing.
            refused("missing", &|f| put(entry, b"WHAT")(f));
        }
    }
    println!("{refusals} lies, all refused");
}
