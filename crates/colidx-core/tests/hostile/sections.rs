//! What each section says, and where a lie in it must be found out.

use crate::common::open;
use crate::victim::{DIM, K, Victim, put, u64_at};
use colidx_core::*;

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

    // More vectors deleted than the deleted documents have.
    check(Verify, "manifest", "SEGM", &|s| put(24, &[1])(s));
    // The manifest counts on three.
    for (number, forge) in [
        (|s: &mut Vec<u8>| s.truncate(16)) as fn(&mut Vec<u8>),
        |s| s.truncate(23),
        |s| s.clear(),
        |s| s.extend([9, 0, 0, 0, 2, 0, 0, 0]),
        |s| s.copy_within(..8, 8),
        |s| s.swap(0, 8),
        |s| put(0, &[0xFF; 4])(s),
        |s| put(20, &[9])(s),
    ]
    .into_iter()
    .enumerate()
    {
        let files = victim.forge("deletions-00000003", "DEAD", forge);
        let error = open(&files).map(drop).expect_err(&format!("lie {number}"));
        assert!(matches!(error, Error::Format(_)), "{error}");
        let said = error.to_string();
        assert!(said.contains("DEAD") || said.contains("SEGM"), "{said}");
    }
    let files = victim.forge("deletions-00000004", "DEAD", put(0, &[5, 0]));
    let error = open(&files).unwrap_err().to_string();
    assert!(error.contains("in one file only"), "{error}");

    for section in ["STEP", "WGHT", "GAIN", "SCAL"] {
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
    check(Never, "means", "MEAN", &|s| s.fill(0x80));
    check(Open, "means", "MEAN", &|s| s.truncate(DIM));
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
    for section in ["WGHT", "GAIN"] {
        check(Open, "codebook", section, &|s| {
            put(0, &f32::MAX.to_le_bytes())(s);
        });
    }
    check(Verify, "codebook", "GRUP", &|s| put(0, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| put(4, &[1])(s));
    check(Verify, "codebook", "GRUP", &|s| put(8, &[0xFF; 4])(s));
    check(Verify, "codebook", "GRUP", &|s| s.truncate(12));
    check(Verify, "codebook", "MEMB", &|s| s.copy_within(..4, 4));
    check(Verify, "codebook", "MEMB", &|s| put(0, &[0xFF; 4])(s));
    check(Open, "codebook", "MEMB", &|s| s.truncate(4));
    check(Open, "codebook", "FIT.", &|s| s.clear());
    check(Open, "codebook", "FIT.", &|s| s.fill(0xFF));

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
    check(Open, "postings-00000002", "LOFF", &|s| s.truncate(8));
    check(Open, "postings-00000002", "LCEN", &|s| s.truncate(4));
    check(Open, "postings-00000002", "LCEN", &|s| s.clear());
    check(Verify, "postings-00000002", "LCEN", &|s| {
        put(0, &[0xFF; 4])(s)
    });
    check(Verify, "postings-00000002", "LCEN", &|s| {
        s.copy_within(..4, 4)
    });
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

/// Whatever the graph leaves out of reach, a search that finds too little widens until it has looked at everything.
#[test]
fn a_graph_that_leads_nowhere_hides_no_document() {
    let victim = Victim::new();
    let files = victim.forge("codebook", "GRPH", |s| *s = vec![0; K * 36 + 8]);
    let index = open(&files).unwrap();
    let options = SearchOptions::default()
        .k(250)
        .n_probe(1)
        .candidates(Some(290))
        .rerank(Some(290));
    let walked = index.search(&victim.query, &options).unwrap();
    assert!(walked.stats.widened > 0 && !walked.stats.exact);
    assert!(walked.stats.centroids_scored > K as u64);
    let parallel = options.clone().parallel(true);
    assert_eq!(
        index.search(&victim.query, &parallel).unwrap().hits,
        walked.hits
    );
    assert_eq!(walked.hits.len(), 250);
}
