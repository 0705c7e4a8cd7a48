//! Columns and words: the bits that announce them, and each rule of them broken.

use crate::common::forge::{
    Files, MANIFEST, contents, frame, name_in_manifest, set_features, set_optional_features,
    without_features,
};
use crate::common::open;
use crate::victim::{Victim, put, u64_at};
use colidx_core::storage::Memory;
use colidx_core::*;
use std::sync::Arc;

fn refused(files: &Files, says: &[&str], what: &str) {
    let outcome = open(files).and_then(|index| index.verify());
    let error = outcome.expect_err(what);
    assert!(matches!(error, Error::Format(_)), "{what}: {error}");
    let text = error.to_string();
    let said = says.iter().all(|part| text.contains(part));
    assert!(said, "{what}: {text}");
}

fn with_bits(files: &Files, name: &str, bits: u64) -> Files {
    let mut files = files.clone();
    set_features(files.get_mut(name).unwrap(), bits);
    if name != MANIFEST {
        name_in_manifest(&mut files, name);
    }
    files
}

fn filtered(index: &Index) -> Result<u64> {
    let filter = Filter::parse("n >= 1").unwrap();
    index.matching(&filter).map(|found| found.len())
}

#[test]
fn a_file_has_the_bits_of_its_kind_and_a_manifest_those_of_its_files() {
    let victim = Victim::new();
    assert_eq!(u64_at(victim.good(MANIFEST), 16), 3);
    for bit in 3..64 {
        let files = with_bits(&victim.good, MANIFEST, 3 | 1 << bit);
        refused(&files, &[MANIFEST, "feature"], "a bit that is not known");
    }
    for name in victim.good.keys().filter(|name| *name != MANIFEST) {
        for bits in 1..8 {
            let files = with_bits(&victim.good, name, bits);
            refused(&files, &[name, "feature"], "a bit of the manifest");
        }
    }
    for (bits, kind) in [(2, "columns-"), (1, "words-"), (0, "-0000000")] {
        let files = with_bits(&victim.good, MANIFEST, bits);
        refused(&files, &["FILE", kind], "a file of no feature");
    }
    // Without the bits and the files it is an index of before.
    let old = without_features(&victim.good);
    let index = open(&old).unwrap();
    index.verify().unwrap();
    assert!(matches!(filtered(&index), Err(Error::NoColumns { .. })));
    let query = WordQuery::words("text");
    let searched = index.search_words(&query, &SearchOptions::default());
    assert!(matches!(searched, Err(Error::NoWords { .. })));
    // With the bits and without the files it is not.
    let files = with_bits(&old, MANIFEST, 1);
    refused(
        &files,
        &["metadata of document"],
        "metadata without columns",
    );
    let files = with_bits(&old, MANIFEST, 2);
    refused(&files, &["WORD"], "words of no analyzer");
    let files = with_bits(&victim.good, MANIFEST, 3 | 4);
    refused(&files, &["POOL"], "vectors pooled by no factor");
}

#[test]
fn a_segment_has_one_file_of_columns_and_one_of_words() {
    let victim = Victim::new();
    for kind in [b"COLS", b"WRDS"] {
        let again = |number: Option<u8>| {
            victim.forge(MANIFEST, "FILE", |records| {
                let mut all = records.chunks(32);
                let mut record = all.find(|r| r.starts_with(kind)).unwrap().to_vec();
                record[4] = number.unwrap_or(record[4]);
                records.extend(record);
            })
        };
        refused(&again(None), &["FILE", "two"], "a file named twice");
        refused(&again(Some(0)), &["FILE"], "a file of no segment");
        // The deletions' number is in use, but no segment's.
        refused(&again(Some(3)), &["FILE"], "a file of no segment");
    }
}

#[test]
fn the_analyzer_is_one_and_the_same() {
    let victim = Victim::new();
    let with = |json: &str| victim.forge(MANIFEST, "WORD", |s| *s = json.as_bytes().to_vec());
    open(&with(r#" {"version":1, "analyzer":"english"} "#)).unwrap();
    for other in [
        r#"{"analyzer":"plain","version":1}"#,
        r#"{"analyzer":"english","version":2}"#,
        r#"{"analyzer":"","version":1}"#,
    ] {
        refused(&with(other), &["WINF", "analyzer"], other);
    }
    for nothing in [
        "",
        "nonsense",
        "[]",
        r#"{"analyzer":"english"}"#,
        r#"{"version":1}"#,
        r#"{"analyzer":1,"version":1}"#,
        r#"{"analyzer":"english","version":4294967296}"#,
        r#"{"analyzer":"english","version":1.5}"#,
        r#"{"analyzer":"english","version":1,"version":1}"#,
    ] {
        refused(&with(nothing), &["WORD"], nothing);
    }
    let mut files = victim.good.clone();
    let mut sections = contents(&files[MANIFEST]);
    sections.retain(|(tag, _)| tag != b"WORD");
    let manifest = frame(&files[MANIFEST], &sections);
    files.insert(MANIFEST.into(), manifest);
    refused(&files, &["WORD"], "no analyzer");
}

#[test]
fn the_pooling_is_a_factor_and_a_number_of_vectors() {
    let victim = Victim::new();
    let with = |values: &[u32]| {
        let mut files = victim.good.clone();
        let mut sections = contents(&files[MANIFEST]);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        sections.push((*b"POOL", bytes.collect()));
        let manifest = frame(&files[MANIFEST], &sections);
        files.insert(MANIFEST.into(), manifest);
        with_bits(&files, MANIFEST, 7)
    };
    for (factor, protected) in [(2, 0), (1000, 1000)] {
        let info = open(&with(&[factor, protected])).unwrap().info().unwrap();
        let expected = Pooling::new(factor).protected(protected);
        assert_eq!(info.pooling, Some(expected));
    }
    for bad in [
        &[][..],
        &[2],
        &[2, 1, 1],
        &[0, 1],
        &[1, 1],
        &[1001, 1],
        &[2, 1001],
        &[u32::MAX, u32::MAX],
    ] {
        refused(&with(bad), &[MANIFEST, "POOL"], &format!("{bad:?}"));
    }
}

#[test]
fn what_recall_was_measured_is_a_table_in_order() {
    let victim = Victim::new();
    let with = |json: &str, bit: u64| {
        let mut files = victim.good.clone();
        let mut sections = contents(&files[MANIFEST]);
        sections.push((*b"RECL", json.as_bytes().to_vec()));
        let mut manifest = frame(&files[MANIFEST], &sections);
        set_optional_features(&mut manifest, bit);
        files.insert(MANIFEST.into(), manifest);
        files
    };
    let table = |rows: &str| format!(r#"{{"documents":9,"queries":2,"rows":[{rows}],"more":1}}"#);
    let row = |k: &str, effort: &str, recall: &str, time: &str| {
        format!(r#"{{"k":{k},"effort":{effort},"recall":{recall},"milliseconds":{time}}}"#)
    };
    let first = row("10", "0.5", "0", "0");
    for (rows, count) in [
        (String::new(), 0),
        (format!("{first},{}", row("10", "1e6", "1", "1e9")), 2),
        (
            format!("{first},{}", row("4294967295", "0.1", "0.5", "2")),
            2,
        ),
    ] {
        let index = open(&with(&table(&rows), 1)).unwrap();
        let found = index.info().unwrap().recall.unwrap();
        assert_eq!((found.documents, found.rows.len()), (9, count));
        // Without the bit the section is another's, and with another bit too.
        for bit in [0, 2, 1 << 63] {
            let index = open(&with(&table(&rows), bit)).unwrap();
            assert_eq!(index.info().unwrap().recall, None);
        }
    }
    for rows in [
        row("-1", "1", "1", "1"),
        row("4294967296", "1", "1", "1"),
        row("1", "0", "1", "1"),
        row("1", "-1", "1", "1"),
        row("1", "1000001", "1", "1"),
        row("1", "1", "1.0001", "1"),
        row("1", "1", "-0.1", "1"),
        row("1", "1", "null", "1"),
        row("1", "1", "1", "-1"),
        row("1", "1", "1", "1e999"),
        format!("{first},{first}"),
        format!("{first},{}", row("9", "2", "1", "1")),
        format!("{first},{}", row("10", "0.4", "1", "1")),
    ] {
        refused(&with(&table(&rows), 1), &[MANIFEST, "RECL"], &rows);
    }
    for nothing in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"documents":-1,"queries":1,"rows":[]}"#,
    ] {
        refused(&with(nothing, 1), &[MANIFEST, "RECL"], nothing);
    }
    let mut files = victim.good.clone();
    set_optional_features(files.get_mut(MANIFEST).unwrap(), 1);
    refused(&files, &["RECL"], "a bit without its section");
}

/// What is wrong is found by `verify` at the latest, and compacting never carries it on.
fn found_out(victim: &Victim, kind: &str, section: &str, change: &dyn Fn(&mut Vec<u8>)) {
    let files = victim.forge(kind, section, change);
    let name = victim.name(kind);
    assert_ne!(files[name], victim.good[name], "{section} is another");
    let (used, verified) = victim.check(&files);
    let error = verified.expect_err(section);
    assert!(matches!(error, Error::Format(_)), "{error}");
    assert!(error.to_string().contains(name), "{section}: {error}");
    assert!(matches!(used, Ok(()) | Err(Error::Format(_))), "{used:?}");
    let files = files.iter().map(|(name, bytes)| (&name[..], &bytes[..]));
    let directory = Directory::over(Arc::new(Memory::with_files(files)));
    let options = WriterOptions::default();
    let compacted =
        IndexWriter::open_in(&directory, options).and_then(|mut w| w.compact(&NoProgress));
    match compacted {
        Ok(_) => Index::open_in(&directory).unwrap().verify().unwrap(),
        Err(Error::Format(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_rule_of_columns_is_checked() {
    let victim = Victim::new();
    let check = |section, change: &dyn Fn(&mut Vec<u8>)| {
        found_out(&victim, "columns", section, change);
    };
    let ones = &[0xFF; 8][..];
    for section in [
        "FLDS", "PATH", "COLS", "INTS", "FLTS", "STRS", "STRB", "STRT", "DOCS",
    ] {
        check(section, &|s| s.clear());
        check(section, &|s| s.truncate(s.len() - 1));
        check(section, &|s| s.extend([0; 96]));
        check(section, &|s| s.fill(0xFF));
        check(section, &|s| s.extend_from_within(..));
    }
    // Where paths begin; whose columns are first; reserved; two in each other's place.
    check("FLDS", &put(0, &[1]));
    check("FLDS", &put(16, ones));
    check("FLDS", &put(8, &[1]));
    check("FLDS", &put(24, &[0; 4]));
    check("FLDS", &put(24, ones));
    check("FLDS", &put(12, &[1]));
    check("FLDS", &|s| s.copy_within(16..32, 0));
    // The first is a\.b.
    check("PATH", &put(0, b"z"));
    check("PATH", &put(2, b"x"));
    check("PATH", &put(0, &[0xFF]));
    // The kind; documents; F; T; D; an entry that is another.
    for kind in [7, 6, u32::MAX] {
        check("COLS", &put(0, &kind.to_le_bytes()));
    }
    check("COLS", &put(4, &[0xFF; 4]));
    check("COLS", &put(4, &[0; 4]));
    for at in [8, 16, 24] {
        check("COLS", &put(at, &[1]));
        for number in [1, 1 << 31, 1 << 61, u64::MAX - 1, u64::MAX] {
            check("COLS", &|s| put(at, &u64::to_le_bytes(number))(s));
            check("COLS", &|s| put(64 + at, &u64::to_le_bytes(number))(s));
        }
    }
    check("COLS", &|s| s.copy_within(32..64, 0));
    // Values that do not ascend, that repeat, and that are none.
    for section in ["INTS", "FLTS"] {
        check(section, &|s| s.copy_within(8..16, 0));
        check(section, &|s| s.rotate_left(8));
    }
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
        check("FLTS", &put(0, &float.to_le_bytes()));
    }
    check("STRS", &put(0, &[1]));
    check("STRS", &put(8, ones));
    check("STRS", &put(8, &[0xFF; 4]));
    check("STRB", &put(0, &[0xFF]));
    // Where documents begin: not at 0, none, all, beyond all.
    check("STRT", &put(0, &[1]));
    check("STRT", &put(0, ones));
    check("STRT", &|s| {
        let last = s.len() - 4;
        put(last, &[0xFF; 4])(s);
    });
    // Documents that there are not, or not in order, or of which one is there twice.
    check("DOCS", &put(0, &[0xFF; 4]));
    check("DOCS", &put(0, &300u32.to_le_bytes()));
    check("DOCS", &|s| s.rotate_left(4));
    check("DOCS", &|s| s.copy_within(..4, 4));
}

/// Fields that share columns: what lists all fields would read those again and again.
#[test]
fn fields_that_share_columns_are_refused_when_they_are_listed() {
    let victim = Victim::new();
    let files = victim.forge("columns", "FLDS", |entries| {
        let (entries, _) = entries.as_chunks_mut::<16>();
        for entry in entries.iter_mut().skip(2).step_by(2) {
            entry[8..12].fill(0);
        }
    });
    let index = open(&files).unwrap();
    let error = index.fields().unwrap_err();
    assert!(matches!(error, Error::Format(_)), "{error}");
    assert!(error.to_string().contains("FLDS"), "{error}");
    refused(&files, &["FLDS"], "columns of two fields");
}

/// Columns that keep every rule but hold other values than the documents.
#[test]
fn columns_of_other_documents_are_found_out() {
    let victim = Victim::new();
    let name = victim.name("columns");
    let number =
        |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    // A last value of one document becomes that of the next one, where that keeps every rule.
    let sections = contents(&victim.good[name]);
    let section = |tag: &[u8; 4]| &sections.iter().find(|s| s.0 == *tag).unwrap().1;
    let (columns, documents) = (section(b"COLS"), section(b"DOCS"));
    let mut moved = 0;
    for at in (0..columns.len() - 32).step_by(32) {
        let next = |offset| u64_at(columns, at + 32 + offset) - u64_at(columns, at + offset);
        let last = 4 * (u64_at(columns, at + 56) as usize - 1);
        let document = number(documents, last);
        if next(8) != 1 || document + 1 == 300 {
            continue;
        }
        let other = document + 1;
        found_out(&victim, "columns", "DOCS", &put(last, &other.to_le_bytes()));
        moved += 1;
    }
    assert!(moved > 3, "{moved}");
    // A value becomes another that breaks no rule.
    let (integers, _) = section(b"INTS").as_chunks::<8>();
    let integers: Vec<i64> = integers.iter().map(|n| i64::from_le_bytes(*n)).collect();
    let free = |pair: &[i64]| pair[0].saturating_add(1) < pair[1];
    let at = integers.windows(2).position(free).unwrap();
    let other = (integers[at] + 1).to_le_bytes();
    found_out(&victim, "columns", "INTS", &put(8 * at, &other));
    // Metadata that columns do not take, and that they do not have.
    for metadata in [r#"{"n":1e999}"#, r#"{"x":1}"#, r#"{"n":12345}"#, "{}", ""] {
        let raw = [
            &[0; 8][..],
            &(metadata.len() as u32).to_le_bytes(),
            metadata.as_bytes(),
        ];
        let raw = raw.concat();
        let files = victim.forge_file("text-00000002", |sections| {
            for (tag, bytes) in sections {
                match &*tag {
                    b"DATA" => *bytes = zstd::bulk::compress(&raw, 1).unwrap(),
                    _ => put(12, &(raw.len() as u32).to_le_bytes())(bytes),
                }
            }
        });
        refused(&files, &["columns-00000002", "DOCS"], metadata);
    }
}

#[test]
fn every_rule_of_words_is_checked() {
    let victim = Victim::new();
    let check = |section, change: &dyn Fn(&mut Vec<u8>)| {
        found_out(&victim, "words", section, change);
    };
    let ones = &[0xFF; 8][..];
    for section in ["WINF", "WLEN", "WTRM", "WIDX", "WLST", "WPOS"] {
        check(section, &|s| s.clear());
        check(section, &|s| s.truncate(s.len() - 1));
        check(section, &|s| s.extend([0; 96]));
        check(section, &|s| s.fill(0xFF));
        check(section, &|s| s.extend_from_within(..));
    }
    // Flags, documents, terms in all, different ones, version, length of the name, name.
    for at in [0, 4, 8, 16, 24, 28, 32] {
        check("WINF", &put(at, &[0x1F]));
        check("WINF", &put(at, &[0xFF; 4]));
    }
    check("WINF", &put(8, ones));
    check("WINF", &put(16, ones));
    check("WLEN", &put(0, &[0xFF]));
    check("WLEN", &put(0, ones));
    for at in [0, 8, 16, 24] {
        check("WIDX", &put(at, &[1]));
        check("WIDX", &put(at + 32, ones));
        check("WIDX", &put(at + 32, &[0x1F]));
    }
    for at in 0..24 {
        check("WTRM", &put(at, &[0xFE]));
    }
}
