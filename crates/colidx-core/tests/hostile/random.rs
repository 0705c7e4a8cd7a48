//! Sections of which some bytes are anything at all.

use crate::common::forge::sections;
use crate::common::{Random, times};
use crate::victim::Victim;
use colidx_core::Error;

/// Every section, with a few bytes of it anything at all.
#[test]
fn no_bytes_make_it_panic() {
    let victim = Victim::new();
    let mut random = Random(5);
    let rounds = times(15);
    let mut forgeries = 0;
    for (name, good) in &victim.good {
        for (tag, _) in sections(good) {
            let tag = String::from_utf8(tag.to_vec()).unwrap();
            for round in 0..rounds {
                // Printed where the test fails.
                println!("{name} {tag}, round {round}");
                let files = victim.forge(name, &tag, |section| {
                    if round % 5 == 4 {
                        section.truncate(random.below(section.len() + 1));
                    }
                    for _ in 0..=random.below(4).min(section.len()) {
                        if !section.is_empty() {
                            let at = random.below(section.len());
                            section[at] =
                                [0, 1, 0x7F, 0x80, 0xFF, random.next() as u8][random.below(6)];
                        }
                    }
                });
                let (used, verified) = victim.check(&files);
                for outcome in [&used, &verified] {
                    assert!(
                        matches!(outcome, Ok(()) | Err(Error::Format(_))),
                        "{outcome:?}"
                    );
                }
                if verified.is_ok() {
                    used.expect("what verify finds nothing wrong with can be used");
                }
                forgeries += 1;
            }
        }
    }
    println!("{forgeries} forgeries, no panic");
}
