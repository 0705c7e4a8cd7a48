//! Files that lie although every checksum agrees: a typed error where the lie is met, never a panic.

mod common;

use colidx::*;
use common::counting::{Counting, peak};
use common::forge::{Files, MANIFEST, Sections, contents, repair, replace, sections};
use common::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const DIM: usize = 16;

/// Centroids: more than words, so that words have some of their own; no power of two, so that some codes name none.
const K: usize = 300;

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A good index, of which copies are changed.
struct Victim {
    good: Files,
    query: Query,
}

impl Victim {
    fn new() -> Self {
        let corpus = Corpus::topical(300, DIM, 41);
        let options = BuildOptions {
            centroids: Some(K),
            ..Default::default()
        };
        let good = built(&corpus, options);
        assert_eq!(open(&good).unwrap().info().unwrap().centroids, K);
        let query = Query::new(&corpus.query(8, 1), DIM).unwrap();
        Self { good, query }
    }

    fn name(&self, kind: &str) -> &str {
        self.good
            .keys()
            .find(|name| name.starts_with(kind))
            .unwrap()
    }

    fn good(&self, kind: &str) -> &[u8] {
        &self.good[self.name(kind)]
    }

    /// With one section changed.
    fn forge(&self, kind: &str, section: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
        self.forge_file(kind, |sections| {
            let found = sections.iter_mut().find(|s| s.0 == section.as_bytes());
            change(&mut found.unwrap().1);
        })
    }

    /// With one file changed, which the manifest names.
    fn forge_file(&self, kind: &str, change: impl FnOnce(&mut Sections)) -> Files {
        let mut files = self.good.clone();
        let mut forged = contents(self.good(kind));
        change(&mut forged);
        replace(&mut files, self.name(kind), &forged);
        files
    }

    /// Opens, uses and verifies, with memory in proportion to the files.
    fn check(&self, files: &Files) -> (Result<()>, Result<()>) {
        let (bytes, outcome) = peak(|| match open(files) {
            Ok(index) => (use_it(&index, &self.query), index.verify()),
            Err(error) => (Ok(()), Err(error)),
        });
        let size: usize = files.values().map(Vec::len).sum();
        // A block of text may grow to 32 MiB from next to nothing, as a block of one letter does. Nothing else may.
        let allowed = 4 * size + (1 << 20);
        assert!(bytes < allowed, "{bytes} bytes for an index of {size}");
        outcome
    }
}

/// Searches each way and reads every document; the first error, of all that is asked.
fn use_it(index: &Index, query: &Query) -> Result<()> {
    let mut result = Ok(());
    let mut note = |outcome: Result<()>| {
        if result.is_ok() {
            result = outcome;
        }
    };
    // Few probes walk over the graph, where there is one, many score all centroids.
    for (exact, probes) in [(false, 1), (false, 1000), (true, 1)] {
        for parallel in [false, true] {
            let options = SearchOptions {
                exact,
                parallel,
                probes,
                candidates: Some(20),
                ..Default::default()
            };
            note(index.search(query, &options).map(drop));
        }
    }
    for (number, doc) in index.doc_ids().enumerate() {
        note(index.document(doc).map(drop));
        note(index.token_vectors(doc).map(drop));
        if number % 16 == 0 {
            note(index.explain(query, doc).map(drop));
        }
    }
    note(index.find("doc-7").map(drop));
    note(index.info().map(drop));
    result
}

/// Where a lie must be found out at the latest.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Open,
    /// By use as well as by `verify`.
    Use,
    Verify,
    /// It is no lie: every value is valid.
    Never,
}

fn put(at: usize, bytes: &[u8]) -> impl FnOnce(&mut Vec<u8>) {
    move |section| section[at..at + bytes.len()].copy_from_slice(bytes)
}

#[test]
fn lies_are_found_out() {
    use Found::*;
    let victim = Victim::new();
    let check = |found: Found, kind: &str, section: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let files = victim.forge(kind, section, change);
        if let Err(error) = open(&files) {
            assert_eq!(found, Open, "{kind} {section}: {error}");
            assert!(error.to_string().contains(section), "{error}");
            return;
        }
        let (used, verified) = victim.check(&files);
        match found {
            Open => panic!("{kind} {section} opens"),
            Use => {
                let error = used.expect_err(section);
                assert!(matches!(error, Error::Format(_)), "{error}");
            }
            Verify => {}
            Never => {
                used.unwrap();
                verified.unwrap();
                return;
            }
        }
        let error = verified.expect_err(section);
        assert!(matches!(error, Error::Format(_)), "{error}");
        assert!(error.to_string().contains(section), "{section}: {error}");
    };
    let nan = &f32::NAN.to_le_bytes()[..];
    let huge = &u64::MAX.to_le_bytes()[..];

    for section in ["STEP", "WGHT", "SCAL"] {
        check(Open, "codebook", section, &|s| put(4, nan)(s));
        check(Open, "codebook", section, &|s| s.truncate(4));
    }
    check(Never, "codebook", "STEP", &|s| {
        put(0, &(-1f32).to_le_bytes())(s);
    });
    for section in ["CENT", "CCEN"] {
        check(Never, "codebook", section, &|s| s.fill(0x80));
        check(Open, "codebook", section, &|s| s.truncate(DIM));
        check(Open, "codebook", section, &|s| s.push(0));
    }
    // Of 300 centroids a code has 9 bits, and 32 neighbours 36 bytes: none, centroid 0 to all, numbers that name none.
    let links = K * 36 + 8;
    check(Never, "codebook", "GRPH", &|s| s.clear());
    check(Never, "codebook", "GRPH", &|s| *s = vec![0; links]);
    check(Use, "codebook", "GRPH", &|s| *s = vec![0xFF; links]);
    check(Open, "codebook", "GRPH", &|s| *s = vec![0; links - 1]);
    check(Open, "codebook", "GRPH", &|s| *s = vec![0; links + 1]);
    check(Open, "codebook", "CELL", &|s| s.truncate(6));
    check(Open, "codebook", "CELL", &|s| put(0, &[1])(s));
    // The first cell is empty, the second begins past the third, the last ends early.
    check(Open, "codebook", "CELL", &|s| put(4, &[0; 4])(s));
    check(Open, "codebook", "CELL", &|s| put(4, &[0xFF; 4])(s));
    check(Open, "codebook", "CELL", &|s| {
        let last = s.len() - 4;
        s[last] -= 1;
    });
    // No cells at all, and no centres, which would be found missing first.
    let files = victim.forge_file("codebook", |sections| {
        let cells = sections
            .iter_mut()
            .filter(|s| matches!(&s.0, b"CELL" | b"CCEN"));
        cells.for_each(|s| s.1.clear());
    });
    let error = open(&files).unwrap_err();
    assert!(error.to_string().contains("CELL"), "{error}");
    check(Verify, "codebook", "CUTS", &|s| put(4, nan)(s));
    check(Verify, "codebook", "CUTS", &|s| {
        put(0, &f32::MAX.to_le_bytes())(s);
    });
    check(Verify, "codebook", "GRUP", &|s| put(0, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| put(4, &[1])(s));
    check(Verify, "codebook", "GRUP", &|s| put(8, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| s.truncate(12));
    check(Verify, "codebook", "MEMB", &|s| s.copy_within(..4, 4));
    check(Verify, "codebook", "MEMB", &|s| put(0, &[0xFF; 4])(s));
    check(Open, "codebook", "MEMB", &|s| s.truncate(4));
    check(Open, "codebook", "CUTS", &|s| s.truncate(4));
    check(Open, "codebook", "FIT.", &|s| s.clear());
    check(Verify, "codebook", "FIT.", &|s| s.fill(0xFF));

    check(Open, "codes", "CODE", &|s| s.truncate(s.len() - 1));
    check(Open, "codes", "CODE", &|s| s.push(0));
    check(Use, "codes", "CODE", &|s| s.fill(0xFF));
    check(Open, "residuals", "RESI", &|s| s.push(0));
    // Codes of centroids that there are, but not those of the lists.
    let files = victim.forge("codes", "CODE", |s| s.fill(0));
    let error = open(&files).unwrap().verify().unwrap_err();
    assert!(error.to_string().contains("LIST"), "{error}");

    check(Open, "postings", "LIST", &|s| s.truncate(7));
    check(Open, "postings", "LIST", &|s| s.clear());
    check(Open, "postings", "LOFF", &|s| s.truncate(8));
    // The end of the first list: after all lists, before its beginning, in the next.
    check(Use, "postings", "LOFF", &|s| put(8, huge)(s));
    check(Use, "postings", "LOFF", &|s| {
        let beyond = u64_at(s, s.len() - 8) + 1;
        put(s.len() - 8, &beyond.to_le_bytes())(s);
    });
    check(Use, "postings", "LOFF", &|s| put(0, huge)(s));
    check(Verify, "postings", "LOFF", &|s| put(0, &[1])(s));
    // Counts: above the documents, above its bits, of six bytes, none although there are bits.
    check(Use, "postings", "LIST", &|s| {
        put(0, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F])(s);
    });
    check(Use, "postings", "LIST", &|s| put(0, &[0xAC, 0x02])(s));
    check(Use, "postings", "LIST", &|s| s.fill(0xFF));
    check(Use, "postings", "LIST", &|s| s.fill(0x80));
    check(Use, "postings", "LIST", &|s| s.fill(0));

    check(Use, "documents", "VOFF", &|s| put(8, huge)(s));
    check(Use, "documents", "VOFF", &|s| put(0, huge)(s));
    check(Verify, "documents", "VOFF", &|s| put(0, &[1])(s));
    check(Open, "documents", "VOFF", &|s| s.truncate(s.len() - 8));
    check(Use, "documents", "KOFF", &|s| put(8, huge)(s));
    check(Verify, "documents", "KOFF", &|s| s.copy_within(8..16, 0));
    check(Open, "documents", "KOFF", &|s| s.extend([0; 8]));
    check(Use, "documents", "KEYS", &|s| put(0, &[0xFF])(s));
    check(Use, "documents", "SORT", &|s| s.fill(0xFF));
    check(Verify, "documents", "SORT", &|s| s.copy_within(..4, 4));
    check(Open, "documents", "SORT", &|s| s.truncate(8));

    check(Use, "text", "BLKS", &|s| put(0, huge)(s));
    check(Use, "text", "BLKS", &|s| put(8, &[0xFF; 4])(s));
    check(Use, "text", "BLKS", &|s| put(12, &[0xFF; 4])(s));
    check(Use, "text", "BLKS", &|s| s.clear());
    check(Open, "text", "BLKS", &|s| s.push(0));
    check(Use, "text", "DATA", &|s| s.fill(0));
    check(Use, "text", "DATA", &|s| s.truncate(9));
}

#[test]
fn a_manifest_that_lies_is_refused_at_open() {
    let victim = Victim::new();
    let refused = |section: &str, says: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let files = victim.forge("manifest", section, change);
        let (bytes, error) = peak(|| open(&files).expect_err(says));
        let size: usize = files.values().map(Vec::len).sum();
        assert!(bytes < size + (1 << 18), "{bytes} bytes to refuse {size}");
        assert!(
            error.to_string().contains(says),
            "{section}, {says}: {error}"
        );
    };
    let ones = &[0xFF; 8][..];
    // dim, nbits, K, next file, codebook, segments, flags, reserved, documents.
    refused("HEAD", "dim", &|s| put(16, &[0; 4])(s));
    refused("HEAD", "dim", &|s| put(16, &4097u32.to_le_bytes())(s));
    refused("HEAD", "CENT", &|s| put(16, &[DIM as u8 + 1])(s));
    refused("HEAD", "nbits", &|s| put(20, &[3])(s));
    refused("HEAD", "WGHT", &|s| put(20, &[8])(s));
    refused("HEAD", "centroids", &|s| put(24, &ones[..4])(s));
    refused("HEAD", "CENT", &|s| put(24, &(1u32 << 26).to_le_bytes())(s));
    refused("HEAD", "FILE", &|s| put(28, &[0; 4])(s));
    refused("HEAD", "FILE", &|s| put(32, &ones[..4])(s));
    refused("HEAD", "SEGM", &|s| put(36, &ones[..4])(s));
    refused("HEAD", "SEGM", &|s| put(36, &[0])(s));
    refused("HEAD", "flags", &|s| put(41, &[1])(s));
    refused("HEAD", "reserved", &|s| put(48, &[1])(s));
    refused("HEAD", "documents", &|s| put(56, ones)(s));
    refused("HEAD", "HEAD", &|s| s.truncate(63));
    refused("HEAD", "HEAD", &|s| s.extend([0; 64]));

    refused("FILE", "FILE", &|s| s.truncate(32));
    refused("FILE", "FILE", &|s| s.truncate(33));
    refused("FILE", "FILE", &|s| put(4, &ones[..4])(s));
    refused("FILE", "FILE", &|s| put(24, &[1])(s));
    refused("FILE", "bytes", &|s| put(8, ones)(s));
    refused("FILE", "another commit", &|s| put(16, ones)(s));
    refused("FILE", "FILE", &|s| put(0, b"WHAT")(s));
    refused("FILE", "FILE", &|s| s.extend_from_within(..32));

    refused("SEGM", "FILE", &|s| put(0, &ones[..4])(s));
    refused("SEGM", "documents", &|s| put(4, &ones[..4])(s));
    refused("SEGM", "CODE", &|s| put(8, ones)(s));
    refused("SEGM", "SEGM", &|s| s.clear());
    for more in [1, 8, 31, 32] {
        refused("SEGM", "SEGM", &|s| s.extend(vec![0; more]));
    }

    refused("MODL", "MODL", &|s| s.extend(b"nonsense"));
    refused("MODL", "MODL", &|s| s.extend(b"{}"));
    refused("MODL", "MODL", &|s| s.extend(b"[".repeat(100_000)));
}

#[test]
fn a_segment_that_is_named_twice_is_refused() {
    let victim = Victim::new();
    let documents = u64_at(&contents(victim.good("manifest"))[0].1, 56);
    let files = victim.forge_file("manifest", |sections| {
        for (tag, bytes) in sections {
            match &*tag {
                b"HEAD" => {
                    put(36, &[2])(bytes);
                    put(56, &(2 * documents).to_le_bytes())(bytes);
                }
                b"SEGM" => bytes.extend_from_within(..),
                _ => {}
            }
        }
    });
    let error = open(&files).unwrap_err();
    assert!(error.to_string().contains("SEGM"), "{error}");
}

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
                common::forge::name_in_manifest(&mut files, name);
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

/// A few bytes that decompress to as much as a block may have, and frames that ask for a large window.
#[test]
fn text_grows_to_what_a_block_may_hold_and_not_beyond() {
    const LIMIT: usize = MAX_DOCUMENT_BYTES + (32 << 10) + 24;
    let victim = Victim::new();
    let forged = |data: Vec<u8>, length: u32| {
        victim.forge_file("text", |sections| {
            for (tag, bytes) in sections {
                match &*tag {
                    b"DATA" => bytes.clone_from(&data),
                    _ => {
                        bytes.truncate(16);
                        put(12, &length.to_le_bytes())(bytes);
                    }
                }
            }
        })
    };
    for (size, length) in [
        (LIMIT, LIMIT as u32),
        (LIMIT + 1, LIMIT as u32),
        (LIMIT + 1, LIMIT as u32 + 1),
        (1 << 28, LIMIT as u32),
        (1 << 28, 1 << 28),
        (100, u32::MAX),
    ] {
        let bomb = zstd::bulk::compress(&vec![0; size], 1).unwrap();
        let index = open(&forged(bomb, length)).unwrap();
        let doc = index.doc_ids().next().unwrap();
        // All zeros are records of three empty fields.
        let (bytes, read) = peak(|| index.document(doc));
        assert_eq!(read.is_ok(), size == LIMIT && length == LIMIT as u32);
        assert!(bytes < 3 * LIMIT, "{bytes} bytes for a block of {size}");
    }
    // The window in a frame's header, not the content, decides how much a decoder sets aside.
    let mut frame = b"\x28\xB5\x2F\xFD\x00".to_vec();
    frame.extend([(27 - 10) << 3, 0x19, 0, 0]);
    frame.extend(b"abc");
    let index = open(&forged(frame, 3)).unwrap();
    let doc = index.doc_ids().next().unwrap();
    let error = index.document(doc).unwrap_err();
    assert!(error.to_string().contains("DATA"), "{error}");
}

/// Whatever the graph leaves out of reach, a search that finds too little widens until it has looked at everything.
#[test]
fn a_graph_that_leads_nowhere_hides_no_document() {
    let victim = Victim::new();
    let files = victim.forge("codebook", "GRPH", |s| *s = vec![0; K * 36 + 8]);
    let index = open(&files).unwrap();
    let options = SearchOptions {
        k: 250,
        probes: 1,
        candidates: Some(299),
        finalists: Some(299),
        ..Default::default()
    };
    let walked = index.search(&victim.query, &options).unwrap();
    assert!(walked.stats.widened > 0 && !walked.stats.exact);
    assert!(walked.stats.centroids_scored > K as u64);
    let parallel = SearchOptions {
        parallel: true,
        ..options.clone()
    };
    assert_eq!(
        index.search(&victim.query, &parallel).unwrap().hits,
        walked.hits
    );
    assert_eq!(walked.hits.len(), 250);
}

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
