//! Files that lie although every checksum agrees: a typed error where the lie is met, never a panic.

mod common;

use colidx::*;
use common::*;
use std::path::PathBuf;
use xxhash_rust::xxh3::xxh3_64;

const DIM: usize = 16;

/// Centroids: more than words, so that words have some of their own; no power of two, so that some codes name none.
const K: usize = 300;

/// A section's name and bytes.
type Sections = Vec<([u8; 4], Vec<u8>)>;

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn contents(file: &[u8]) -> Sections {
    sections(file)
        .into_iter()
        .map(|(tag, range)| (tag, file[range].to_vec()))
        .collect()
}

/// A file of these sections with right checksums.
fn frame(header: &[u8], sections: &Sections) -> Vec<u8> {
    let mut file = header.to_vec();
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
    let length = file.len() as u64 + 64;
    for number in [at, sections.len() as u64, xxh3_64(&directory), length, 0, 0] {
        footer.extend(number.to_le_bytes());
    }
    footer.extend(xxh3_64(&footer).to_le_bytes());
    file.extend(footer);
    file.extend(b"\x43\x4c\x58\x8a\x65\x6e\x64\x0a");
    file
}

/// An index whose files can be changed and put back.
struct Victim {
    dir: tempfile::TempDir,
    good: Vec<(PathBuf, Vec<u8>)>,
    query: Query,
}

impl Victim {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let corpus = Corpus::topical(300, DIM, 41);
        let options = BuildOptions {
            centroids: Some(K),
            ..Default::default()
        };
        let report = corpus.build(dir.path(), options).unwrap();
        assert_eq!(report.centroids, K);
        let good = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|f| f.file_name().unwrap() != "lock")
            .map(|f| (f.clone(), std::fs::read(f).unwrap()))
            .collect();
        let query = Query::new(&corpus.query(8, 1), DIM).unwrap();
        Self { dir, good, query }
    }

    fn path(&self, kind: &str) -> PathBuf {
        match kind {
            "manifest" => self.dir.path().join(kind),
            _ => self.dir.path().join(format!("{kind}-00000001.clx")),
        }
    }

    fn good(&self, kind: &str) -> &[u8] {
        let path = self.path(kind);
        &self.good.iter().find(|f| f.0 == path).unwrap().1
    }

    /// Changes one section of the good index.
    fn forge(&self, kind: &str, section: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.forge_file(kind, |sections| {
            let found = sections.iter_mut().find(|s| s.0 == section.as_bytes());
            change(&mut found.unwrap().1);
        });
    }

    /// Changes one file of the good index. The manifest then names the changed file.
    fn forge_file(&self, kind: &str, change: impl FnOnce(&mut Sections)) {
        for (path, bytes) in &self.good {
            std::fs::write(path, bytes).unwrap();
        }
        let good = self.good(kind);
        let mut forged = contents(good);
        change(&mut forged);
        let file = frame(&good[..64], &forged);
        std::fs::write(self.path(kind), &file).unwrap();
        if kind == "manifest" {
            return;
        }
        let manifest = self.good("manifest");
        let mut named = contents(manifest);
        let files = named.iter_mut().find(|s| &s.0 == b"FILE").unwrap();
        let record = files.1.chunks_mut(32).find(|r| r[..4] == good[8..12]);
        let record = record.unwrap();
        record[8..16].copy_from_slice(&(file.len() as u64).to_le_bytes());
        record[16..24].copy_from_slice(&file[file.len() - 16..][..8]);
        std::fs::write(self.path("manifest"), frame(&manifest[..64], &named)).unwrap();
    }

    fn open(&self) -> Result<Index> {
        Index::open(self.dir.path())
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
        victim.forge(kind, section, change);
        let index = match victim.open() {
            Ok(index) => index,
            Err(error) => {
                assert_eq!(found, Open, "{kind} {section}: {error}");
                assert!(error.to_string().contains(section), "{error}");
                return;
            }
        };
        let (used, verified) = (use_it(&index, &victim.query), index.verify());
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

    check(Open, "manifest", "HEAD", &|s| put(16, &[0; 4])(s));
    check(Open, "manifest", "HEAD", &|s| put(20, &[3])(s));
    check(Open, "manifest", "HEAD", &|s| put(24, &[0xFF; 4])(s));
    check(Open, "manifest", "HEAD", &|s| put(41, &[1])(s));

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
    victim.forge_file("codebook", |sections| {
        let cells = sections
            .iter_mut()
            .filter(|s| matches!(&s.0, b"CELL" | b"CCEN"));
        cells.for_each(|s| s.1.clear());
    });
    let error = victim.open().unwrap_err();
    assert!(error.to_string().contains("CELL"), "{error}");
    check(Verify, "codebook", "CUTS", &|s| put(4, nan)(s));
    check(Verify, "codebook", "GRUP", &|s| put(0, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| put(4, &[1])(s));
    check(Verify, "codebook", "GRUP", &|s| put(8, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| s.truncate(12));
    check(Verify, "codebook", "MEMB", &|s| s.copy_within(..4, 4));
    check(Verify, "codebook", "MEMB", &|s| put(0, &[0xFF; 4])(s));
    check(Verify, "codebook", "MEMB", &|s| s.truncate(4));

    check(Open, "codes", "CODE", &|s| s.truncate(s.len() - 1));
    check(Open, "codes", "CODE", &|s| s.push(0));
    check(Use, "codes", "CODE", &|s| s.fill(0xFF));
    check(Open, "residuals", "RESI", &|s| s.push(0));
    // Codes of centroids that there are, but not those of the lists.
    victim.forge("codes", "CODE", |s| s.fill(0));
    let error = victim.open().unwrap().verify().unwrap_err();
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
    check(Use, "documents", "KOFF", &|s| put(8, huge)(s));
    check(Use, "documents", "SORT", &|s| s.fill(0xFF));
    check(Use, "text", "BLKS", &|s| put(0, huge)(s));
}

/// Whatever the graph leaves out of reach, a search that finds too little widens until it has looked at everything.
#[test]
fn a_graph_that_leads_nowhere_hides_no_document() {
    let victim = Victim::new();
    victim.forge("codebook", "GRPH", |s| *s = vec![0; K * 36 + 8]);
    let index = victim.open().unwrap();
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
    let kinds = [
        "manifest",
        "codebook",
        "documents",
        "codes",
        "residuals",
        "postings",
        "text",
    ];
    for kind in kinds {
        for (tag, _) in sections(victim.good(kind)) {
            let tag = String::from_utf8(tag.to_vec()).unwrap();
            for round in 0..15 {
                // Printed where the test fails.
                println!("{kind} {tag}, round {round}");
                victim.forge(kind, &tag, |section| {
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
                if let Ok(index) = victim.open() {
                    let _ = use_it(&index, &victim.query);
                    let _ = index.verify();
                }
            }
        }
    }
}
