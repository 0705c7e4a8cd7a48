//! Every rule of `index-format.md` that is easily forgotten, broken by itself, and every freedom
//! that it grants.

use crate::common::forge::{self, Files, MANIFEST, Sections, contents, replace};
use crate::common::{Corpus, grown, open};
use crate::victim::{Victim, put};
use colidx_core::*;
use std::collections::BTreeMap;

/// Refused when it is opened or verified, with an error that says so.
fn refused(files: &Files, says: &[&str], what: &str) {
    let outcome = open(files).and_then(|index| index.verify());
    let error = outcome.expect_err(what);
    assert!(matches!(error, Error::Format(_)), "{what}: {error}");
    let text = error.to_string();
    let said = says.iter().all(|part| text.contains(part));
    assert!(said, "{what}: {text}");
}

fn accepted(victim: &Victim, files: &Files, what: &str) {
    let index = open(files).unwrap_or_else(|e| panic!("{what}: {e}"));
    index.verify().unwrap_or_else(|e| panic!("{what}: {e}"));
    let found = index.search(&victim.query, &SearchOptions::default());
    let hits = found.unwrap_or_else(|e| panic!("{what}: {e}")).hits;
    assert!(hits.iter().all(|hit| hit.score.is_finite()), "{what}");
}

fn section<'s>(sections: &'s mut Sections, tag: &[u8; 4]) -> &'s mut Vec<u8> {
    let found = sections.iter_mut().find(|s| s.0 == *tag);
    &mut found.unwrap().1
}

#[test]
fn sections_that_are_not_known_are_ignored_and_their_order_is_free() {
    let victim = Victim::new();
    for name in victim.good.keys() {
        let with = |tag: &[u8; 4]| {
            victim.forge_file(name, |sections| {
                sections.insert(1, (*tag, b"anything".into()))
            })
        };
        accepted(&victim, &with(b"what"), name);
        let files = victim.forge_file(name, |sections| sections.reverse());
        accepted(&victim, &files, name);
        for tag in [b"wha\0", b"wh\xC3\xA4", b"wha\n"] {
            refused(&with(tag), &[name, "ASCII"], "a tag of other bytes");
        }
    }
}

#[test]
fn numbers_of_the_head_have_bounds() {
    let victim = Victim::new();
    let head = |at: usize, bytes: &[u8]| victim.forge(MANIFEST, "HEAD", |s| put(at, bytes)(s));
    refused(&head(0, &[0; 8]), &["HEAD", "generation"], "generation 0");
    accepted(&victim, &head(0, &[0xFF; 8]), "the last generation");
    let next = |number: u32| head(28, &number.to_le_bytes());
    refused(
        &next(100_000_001),
        &["HEAD", "next file"],
        "file numbers of nine digits",
    );
    accepted(&victim, &next(100_000_000), "no more file numbers");
}

/// With the records of the manifest changed, and with another file.
fn with_records(
    victim: &Victim,
    file: Option<(&str, &str)>,
    change: impl FnOnce(&mut Vec<u8>),
) -> Files {
    let mut files = victim.good.clone();
    if let Some((from, name)) = file {
        files.insert(name.into(), files[victim.name(from)].clone());
    }
    let mut sections = contents(&files[MANIFEST]);
    put(28, &50u32.to_le_bytes())(section(&mut sections, b"HEAD"));
    change(section(&mut sections, b"FILE"));
    replace(&mut files, MANIFEST, &sections);
    files
}

#[test]
fn the_manifest_names_no_file_of_nothing() {
    let victim = Victim::new();
    let again = |kind: &[u8; 4], number: u8| {
        let kind = *kind;
        move |records: &mut Vec<u8>| {
            let at = records
                .chunks(32)
                .position(|r| r.starts_with(&kind))
                .unwrap()
                * 32;
            records.extend_from_within(at..at + 32);
            let last = records.len() - 32;
            put(last + 4, &[number, 0, 0, 0])(records);
        }
    };
    for (kind, name) in [
        (b"BOOK", "codebook"),
        (b"DOCS", "documents"),
        (b"CODE", "codes"),
        (b"RESI", "residuals"),
        (b"MEAN", "means"),
        (b"POST", "postings"),
        (b"TEXT", "text"),
        (b"COLS", "columns"),
        (b"WRDS", "words"),
    ] {
        let copy = format!("{name}-00000040.clx");
        let files = with_records(&victim, Some((name, &copy)), again(kind, 40));
        refused(&files, &["FILE", &copy], "a file of no segment");
        let files = with_records(&victim, None, |records| {
            let record = records
                .chunks(32)
                .position(|r| r.starts_with(kind))
                .unwrap();
            records.drain(record * 32..record * 32 + 32);
        });
        // Without its text a segment is one of vectors alone, where nothing was made of the text.
        if kind == b"TEXT" {
            refused(&files, &["DOCS"], "columns without text");
            accepted(&victim, &forge::without_features(&files), "no text");
        } else if kind == b"COLS" {
            refused(
                &files,
                &["metadata of document"],
                "metadata without columns",
            );
        } else if kind == b"WRDS" {
            refused(&files, &["FILE", "words of segment"], "text without words");
        } else {
            refused(&files, &["FILE"], "a file that is missing");
        }
    }
    let files = with_records(&victim, None, |records| {
        let all: Vec<Vec<u8>> = records.chunks(32).rev().map(<[u8]>::to_vec).collect();
        *records = all.concat();
    });
    accepted(&victim, &files, "records in another order");
}

#[test]
fn the_description_of_the_model_has_its_fields_once_and_within_bounds() {
    let victim = Victim::new();
    let with = |json: &str| victim.forge(MANIFEST, "MODL", |s| *s = json.as_bytes().to_vec());
    let good = BTreeMap::from([
        ("name", r#""tiny""#),
        ("location", r#""there""#),
        ("fingerprint", r#""0011""#),
        ("architecture", r#""bert""#),
        ("document_length", "300"),
        ("query_length", "32"),
        ("document_marker", r#""[D]""#),
        ("query_marker", r#""""#),
        ("skiplist", r#"[".", "!"]"#),
        ("precision", r#""f32""#),
    ]);
    let json = |fields: &BTreeMap<&str, &str>| {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name:?}: {value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
    };
    accepted(&victim, &with(&json(&good)), "a good one");
    accepted(
        &victim,
        &with(&format!(" {} \n", json(&good))),
        "with spaces",
    );
    let bad = |text: &str, what: &str| refused(&with(text), &["MODL"], what);
    let long = format!("{:?}", "x".repeat(4097));
    let longest = format!("{:?}", "x".repeat(4096));
    let words = format!("[{long}]");
    for &name in good.keys() {
        let mut fields = good.clone();
        fields.remove(name);
        let without = json(&fields);
        if name == "precision" {
            accepted(&victim, &with(&without), "without precision");
        } else {
            bad(&without, &format!("without {name}"));
        }
        let twice = json(&good).replacen('{', &format!("{{{name:?}: {}, ", good[name]), 1);
        bad(&twice, &format!("{name} twice"));
        let lengths = [
            "0",
            "-1",
            "65537",
            "4000000000",
            "300.5",
            "1e2",
            "\"300\"",
            "null",
        ];
        let strings = [&long, "5", "null", "{}", "[]", r#"["a"]"#];
        let (wrong, right): (Vec<&str>, &str) = match good[name].as_bytes()[0] {
            b'"' => (strings.to_vec(), &longest),
            b'[' => (vec![&words, "5", "\"a\"", "[5]", "{}"], "[]"),
            _ => (lengths.to_vec(), "65536"),
        };
        for value in wrong {
            fields.insert(name, value);
            bad(&json(&fields), &format!("{name} that is {value:.9}"));
        }
        fields.insert(name, right);
        accepted(&victim, &with(&json(&fields)), name);
    }
    let mut more = good.clone();
    more.insert("unknown", "[1, {}]");
    accepted(&victim, &with(&json(&more)), "a field that is not known");
    let much = format!("[{}0]", "0,".repeat(1 << 19));
    more.insert("unknown", &much);
    bad(&json(&more), "more than a MiB");
    let values: Vec<&str> = good.values().copied().collect();
    bad(&format!("[{}]", values.join(", ")), "a list of values");
    bad("null", "null");
}

#[test]
fn bits_after_packed_numbers_are_zero() {
    // 5 dimensions of 1 bit leave three bits of a row; 300 documents leave some in lists.
    let corpus = Corpus::topical(300, 5, 41);
    let options = BuildOptions::default().nbits(1).centroids(301);
    let victim = Victim {
        good: grown(&corpus, options),
        query: Query::new(&corpus.query(8, 1), 5).unwrap(),
    };
    for number in 0..8 {
        for (kind, tag) in [("codes", "CODE"), ("postings", "LIST")] {
            let files = victim.forge(kind, tag, |s| {
                let at = s.len() - 8 + number;
                s[at] = 0x80;
            });
            refused(&files, &[tag], "a tail that is not zero");
        }
    }
    for bit in 5..8 {
        let files = victim.forge("residuals", "RESI", |s| s[7] |= 1 << bit);
        refused(&files, &["RESI", "vector 7"], "bits after a row");
    }
    let files = victim.forge("codes", "CODE", |s| {
        let at = s.len() - 9;
        s[at] |= 0x80;
    });
    refused(
        &files,
        &["CODE"],
        "a bit after the last code, or another code",
    );
    // 32 neighbours of each of 301 centroids, 9 bits each, and 8 bytes; all of them centroid 0.
    let links = 301 * 36 + 8;
    accepted(
        &victim,
        &victim.forge("codebook", "GRPH", |s| *s = vec![0; links]),
        "a graph",
    );
    for at in [links - 8, links - 1] {
        let files = victim.forge("codebook", "GRPH", |s| {
            *s = vec![0; links];
            s[at] = 1;
        });
        refused(&files, &["GRPH"], "a tail of the graph that is not zero");
    }
}

#[test]
fn groups_keys_and_lists_have_one_form() {
    let victim = Victim::new();
    // An empty group of token 0xFFFFFFF0 before that of the rest, which is last.
    let files = victim.forge("codebook", "GRUP", |s| {
        let last = s.len() - 12;
        let mut empty = s[last..].to_vec();
        put(0, &0xFFFF_FFF0u32.to_le_bytes())(&mut empty);
        put(8, &[0; 4])(&mut empty);
        s.splice(last..last, empty);
    });
    refused(&files, &["GRUP", "at least one"], "an empty group");

    // One byte before all keys, and one after them.
    let files = victim.forge_file("documents", |sections| {
        section(sections, b"KEYS").insert(0, b'x');
        let (offsets, _) = section(sections, b"KOFF").as_chunks_mut::<8>();
        for offset in offsets {
            *offset = (u64::from_le_bytes(*offset) + 1).to_le_bytes();
        }
    });
    refused(&files, &["KOFF"], "a byte before the first key");
    let files = victim.forge("documents", "KEYS", |s| s.push(b'x'));
    refused(&files, &["KOFF"], "a byte after the last key");

    // The first list begins with its count, which is below 128: the same in two bytes.
    let files = victim.forge_file("postings", |sections| {
        let list = section(sections, b"LIST");
        let count = list[0];
        assert!(count < 128);
        list.splice(..1, [count | 0x80, 0]);
        let (offsets, _) = section(sections, b"LOFF").as_chunks_mut::<8>();
        for offset in &mut offsets[1..] {
            *offset = (u64::from_le_bytes(*offset) + 1).to_le_bytes();
        }
    });
    refused(&files, &["LIST", "shortest"], "a longer LEB128");
}

/// The second segment's text, which is of one document, as these blocks, of which each begins at
/// the document that is given.
fn text(victim: &Victim, blocks: &[(u32, &[u8], usize)]) -> Files {
    victim.forge_file("text-00000002", |sections| {
        let (mut data, mut table) = (Vec::new(), Vec::new());
        for (first, frame, length) in blocks {
            table.extend((data.len() as u64).to_le_bytes());
            table.extend(first.to_le_bytes());
            table.extend((*length as u32).to_le_bytes());
            data.extend_from_slice(frame);
        }
        *section(sections, b"DATA") = data;
        *section(sections, b"BLKS") = table;
    })
}

fn record(title: &str, text: &str, metadata: &str) -> Vec<u8> {
    let fields = [title, text, metadata];
    let lengths = fields.map(|field| (field.len() as u32).to_le_bytes());
    [lengths.concat(), fields.concat().into_bytes()].concat()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

#[test]
fn a_block_of_text_is_one_frame_with_documents() {
    let victim = Victim::without_features();
    let raw = record("a title", "text", "");
    let (frame, length) = (&compressed(&raw)[..], raw.len());
    accepted(&victim, &text(&victim, &[(0, frame, length)]), "one block");
    let bad = |files: Files, tag: &str, what: &str| {
        refused(&files, &["text-00000002", tag], what);
        // A document is not read either, where that needs the block.
        if tag == "DATA" {
            let index = open(&files).unwrap();
            let doc = index.find("added").unwrap().unwrap();
            assert!(
                matches!(index.document(doc), Err(Error::Format(_))),
                "{what}"
            );
        }
    };
    let one = |frame: &[u8]| text(&victim, &[(0, frame, length)]);
    let nothing = compressed(b"");
    let skipped = b"\x50\x2A\x4D\x18\x03\0\0\0abc";
    bad(
        one(&[frame, &nothing].concat()),
        "DATA",
        "an empty frame behind",
    );
    bad(
        one(&[&nothing, frame].concat()),
        "DATA",
        "an empty frame before",
    );
    bad(
        one(&[frame, skipped].concat()),
        "DATA",
        "a frame to skip behind",
    );
    bad(
        one(&[skipped, frame].concat()),
        "DATA",
        "a frame to skip before",
    );
    bad(one(&[frame, &[0]].concat()), "DATA", "a byte behind");
    let (first, second) = raw.split_at(9);
    let halves = [compressed(first), compressed(second)].concat();
    bad(one(&halves), "DATA", "a frame for each half");

    let before = text(&victim, &[(0, &nothing, 0), (0, frame, length)]);
    bad(before, "BLKS", "a block of no documents before");
    let behind = text(&victim, &[(0, frame, length), (1, &nothing, 0)]);
    bad(behind, "BLKS", "a block of no documents behind");
    let hidden = victim.forge_file("text-00000002", |sections| {
        section(sections, b"DATA").splice(..0, nothing.clone());
        let begins = nothing.len() as u64;
        put(0, &begins.to_le_bytes())(section(sections, b"BLKS"));
    });
    bad(hidden, "BLKS", "data before the first block");
    let after = compressed(&[&raw[..], &[0]].concat());
    let files = text(&victim, &[(0, &after, length + 1)]);
    refused(
        &files,
        &["DATA", "whole records"],
        "a byte after the records",
    );
}

#[test]
fn metadata_is_a_json_object_and_a_document_within_its_limit() {
    let victim = Victim::without_features();
    let one = |raw: &[u8]| text(&victim, &[(0, &compressed(raw), raw.len())]);
    for good in ["", "{}", r#"{"a": [1, {"b": null}], "a": 1e999}"#] {
        accepted(&victim, &one(&record("", "", good)), good);
    }
    for bad in ["[]", "5", "null", "nonsense", "{", "{} {}", " "] {
        let files = one(&record("", "", bad));
        refused(&files, &["DATA", "JSON object"], bad);
    }
    let most = "x".repeat(MAX_DOCUMENT_BYTES);
    let files = one(&record("", &most, ""));
    open(&files).unwrap().verify().unwrap();
    let files = one(&record("y", &most, ""));
    refused(
        &files,
        &["DATA", "at most 33554432"],
        "a document too large",
    );
    let index = open(&files).unwrap();
    let doc = index.find("added").unwrap().unwrap();
    assert!(matches!(index.document(doc), Err(Error::Format(_))));
}

#[test]
fn no_value_and_no_vector_decodes_to_more_than_it_may() {
    let victim = Victim::new();
    let fill = |tag: &str, value: f32| {
        victim.forge("codebook", tag, |s| {
            let (values, _) = s.as_chunks_mut::<4>();
            values.fill(value.to_le_bytes());
        })
    };
    for tag in ["STEP", "SCAL"] {
        refused(&fill(tag, f32::MAX), &[tag], "values beyond an f32");
        refused(&fill(tag, -f32::MAX), &[tag], "values beyond an f32");
        refused(
            &fill(tag, 1e30),
            &["RESI", "sum of squares"],
            "vectors too long",
        );
    }
    for tag in ["WGHT", "GAIN"] {
        accepted(&victim, &fill(tag, 0.0), "nothing but centroids");
        let error = open(&fill(tag, f32::MAX)).map(drop).unwrap_err();
        assert!(matches!(error, Error::Format(_)), "{error}");
    }
    // 16 dimensions of up to 128 steps: 512 steps long at most.
    accepted(&victim, &fill("STEP", 8e15), "vectors just short enough");
    // Steps that no vector uses but a little of: each centroid is short.
    let files = victim.forge_file("codebook", |sections| {
        section(sections, b"CENT").fill(1);
        let (values, _) = section(sections, b"STEP").as_chunks_mut::<4>();
        values.fill(1e17f32.to_le_bytes());
    });
    accepted(&victim, &files, "short vectors of long steps");
}

/// Vectors that no whole index has: what their products come to is told, and no score.
#[test]
fn products_that_overflow_are_damage() {
    let mut corpus = Corpus::topical(200, 5, 41);
    corpus
        .documents
        .iter_mut()
        .flatten()
        .for_each(|x| *x *= 3.0);
    let victim = Victim {
        good: grown(&corpus, BuildOptions::default()),
        query: Query::new(&[1e18; 5], 5).unwrap(),
    };
    let files = victim.forge("codebook", "STEP", |s| {
        let (values, _) = s.as_chunks_mut::<4>();
        values.fill(1e30f32.to_le_bytes());
    });
    refused(&files, &["RESI", "sum of squares"], "vectors too long");
    let index = open(&files).unwrap();
    for exact in [true, false] {
        let options = SearchOptions::default().exact(exact);
        let error = index.search(&victim.query, &options).unwrap_err();
        assert!(error.to_string().contains("product"), "{error}");
    }
    let doc = index.doc_ids().next().unwrap();
    let error = index.explain(&victim.query, doc).unwrap_err();
    assert!(error.to_string().contains("product"), "{error}");
}
