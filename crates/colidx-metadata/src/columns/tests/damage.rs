//! Bytes that are not what a writer wrote.

use super::*;

fn sample() -> (u32, Bytes) {
    let documents: Vec<String> = (0..70)
        .map(|n| match n % 7 {
            0 => json!({"n": n, "s": format!("s{}", n % 5), "t": [n, "x", null, []]}),
            1 => json!({"n": f64::from(n) / 2.0, "o": {"p": true, "q": n % 2 == 0}}),
            2 => json!({"n": [n, n + 1, "é"], "s": ""}),
            _ => json!({}),
        })
        .map(|document| document.to_string())
        .collect();
    (documents.len() as u32, write(&documents))
}

/// Does all that can be done, and says what `verify` said.
fn exercise(documents: u32, bytes: &Bytes) -> Result<(), ColumnsError> {
    let columns = open(documents, bytes)?;
    let verified = columns.verify();
    let _ = columns.fields();
    for path in ["n", "s", "t", "o", "o.p", "o.q", "missing", ""] {
        let _ = columns.types(path);
        let field = || Field::from(path);
        for filter in [
            Filter::Exists(field()),
            Filter::IsNull(field()),
            Filter::Like(field(), "%s_".into()),
            Filter::Compare(field(), Comparison::Ne, Value::I64(7)),
            Filter::Compare(field(), Comparison::Ge, Value::String("s".into())),
            Filter::Between(field(), Value::F64(0.5), Value::I64(44)),
        ] {
            if let Ok(bits) = columns.evaluate(&filter) {
                assert!(bits.iter().all(|d| d < documents));
            }
        }
        let _ = columns.counts(path, None).take(1000).count();
    }
    verified
}

#[test]
fn flipped_bytes_give_errors_or_bounded_answers() {
    let (documents, good) = sample();
    exercise(documents, &good).unwrap();
    for tag in TAGS {
        let (mut found, length) = (0, good[&tag].length);
        for at in 0..length {
            for flip in [1, 0x80, 0xFF] {
                let mut bad = good.clone();
                let mut section = bad[&tag].to_vec();
                section[at] ^= flip;
                bad.insert(tag, Section::new(&section));
                found += usize::from(exercise(documents, &bad).is_err());
            }
        }
        // Names, numbers and documents can change into others. Of the rest, few flips make sense:
        // a column or a letter moves to its neighbour, what is empty becomes null.
        let free = matches!(&tag, b"PATH" | b"INTS" | b"FLTS" | b"STRB" | b"DOCS");
        assert!(
            free || found + 3 > 3 * length,
            "{tag:?}: {found} of {}",
            3 * length
        );
    }
}

#[test]
fn truncated_and_lengthened_sections_are_refused() {
    let (documents, good) = sample();
    for tag in TAGS {
        let whole = good[&tag].to_vec();
        // A longer last path is a path.
        let longer = if tag == *b"PATH" {
            MAX_PATH_BYTES + 1
        } else {
            1
        };
        for length in (0..whole.len()).chain(whole.len() + longer..whole.len() + longer + 69) {
            let mut section = whole.clone();
            section.resize(length, 0);
            let mut bad = good.clone();
            bad.insert(tag, Section::new(&section));
            assert!(
                exercise(documents, &bad).is_err(),
                "{tag:?} of {length} bytes"
            );
        }
    }
}

#[test]
fn columns_of_more_documents_are_refused() {
    let (_, good) = sample();
    assert!(exercise(60, &good).is_err());
    assert!(exercise(0, &good).is_err());
}

/// Otherwise every second field would have the same columns, and all their documents.
#[test]
fn fields_that_share_columns_are_refused() {
    let (documents, mut bad) = sample();
    let columns = bad[b"COLS"].length as u64 / 32;
    let field = |n: u64| [0, n % 2 * columns];
    let fields: Vec<u64> = (0..1000).flat_map(field).collect();
    bad.insert(*b"FLDS", Section::new(bytemuck::cast_slice(&fields)));
    assert!(exercise(documents, &bad).is_err());
    let columns = open(documents, &bad).unwrap();
    let error = columns.fields().unwrap_err();
    assert!(error.to_string().contains("FLDS"), "{error}");
}

#[test]
fn misplaced_sections_are_refused() {
    let (documents, good) = sample();
    let words = vec![0u64; 100];
    let result = Columns::<&[u8]>::open(documents, |tag| match &tag {
        b"INTS" => Ok(&bytemuck::cast_slice(&words)[4..20]),
        _ => Ok::<_, ColumnsError>(&*good[&tag]),
    });
    assert!(result.unwrap_err().to_string().contains("INTS"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_give_errors_or_bounded_answers(
        documents in 0u32..100,
        sections in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..10), 9),
    ) {
        let words = |bytes: &Vec<u8>| {
            let words: Vec<u32> = bytes.iter().map(|&b| b.into()).collect();
            Section::new(bytemuck::cast_slice(&words))
        };
        let bytes = TAGS.into_iter().zip(sections.iter().map(words)).collect();
        let _ = exercise(documents, &bytes);
    }
}
