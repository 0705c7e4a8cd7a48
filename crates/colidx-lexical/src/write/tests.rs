use crate::{Analyzer, Options, Reader, Writer};
use crate::{MemoryScratch, MemorySections};
use proptest::prelude::*;

pub(crate) fn build(documents: &[(String, String)], options: Options) -> MemorySections {
    let analyzer = Analyzer::by_name("plain").unwrap();
    let mut writer = Writer::new(analyzer, options, MemoryScratch::new());
    for (title, text) in documents {
        writer.push(title, text).unwrap();
    }
    let mut sections = MemorySections::default();
    writer.finish(&mut sections).unwrap();
    sections
}

fn options(positions: bool, memory: usize) -> Options {
    Options { positions, memory }
}

/// Documents of words of a small vocabulary, some of which are in most documents.
pub(crate) fn corpus(most: usize) -> impl Strategy<Value = Vec<(String, String)>> {
    let word = (0u32..12, 0u32..4000).prop_map(|(log, n)| format!("w{} ", n >> log));
    let words = |most| proptest::collection::vec(word.clone(), 0..most).prop_map(|w| w.concat());
    let document = (words(4), prop_oneof![9 => words(12), 1 => words(60)]);
    proptest::collection::vec(document, 0..most)
}

#[test]
fn an_index_of_nothing_is_read() {
    for documents in [vec![], vec![(String::new(), String::new())]] {
        let sections = build(&documents, Options::default());
        let reader = Reader::in_memory(&sections).unwrap();
        reader.verify().unwrap();
        assert_eq!(reader.info().documents as usize, documents.len());
        assert_eq!(reader.list(b"word").unwrap().map(|list| list.count), None);
    }
}

#[test]
fn one_huge_document_is_spilled_in_the_middle() {
    let text: String = (0..200_000).map(|i| format!("w{} ", i % 50_000)).collect();
    let documents = [("w1".to_string(), text), ("w2".into(), "w3".into())];
    let small = build(&documents, options(true, 0));
    assert_eq!(small, build(&documents, options(true, usize::MAX)));
    Reader::in_memory(&small).unwrap().verify().unwrap();
}

/// The bytes of index-format.md. Other bytes are another format.
#[test]
fn bytes_are_those_of_the_format() {
    let documents = [
        ("a".to_string(), "b a".to_string()),
        (String::new(), "b".into()),
        ("b".into(), "b b".into()),
    ];
    let sections = build(&documents, options(true, 1 << 20));
    let hex = |tag| {
        let bytes = sections.get(tag).unwrap().iter();
        bytes
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(hex(crate::LISTS), "00 01 01 00 02 20");
    assert_eq!(hex(crate::POSITIONS), "05 20 02 05 10 00 18 00");
    assert_eq!(hex(crate::TERMS), "01 61 02 03 03 01 62 06 03 05");
    assert_eq!(
        hex(crate::TERM_INDEX),
        ["00 00 00 00 00 00 00 61", "00 00 00 00 00 00 00 00"].join(" ") + &" 00".repeat(16)
    );
    assert_eq!(hex(crate::LENGTHS), "03 00 00 00 01 00 00 00 03 00 00 00");
    assert_eq!(
        hex(crate::INFO),
        "01 00 00 00 03 00 00 00 07 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 \
         01 00 00 00 05 00 00 00 70 6c 61 69 6e"
    );
}

#[test]
fn an_analyzer_of_another_version_is_refused() {
    let sections = build(&[], Options::default());
    assert_eq!(
        Reader::in_memory(&sections)
            .unwrap()
            .analyzer()
            .unwrap()
            .name(),
        "plain"
    );
}

#[test]
fn more_terms_than_documents_can_have_are_refused() {
    let sections = build(&[(String::new(), "a b".into())], Options::default());
    let open = |tokens: u64| {
        let mut info = sections.get(crate::INFO).unwrap().to_vec();
        info[8..16].copy_from_slice(&tokens.to_le_bytes());
        Reader::open(|tag| match tag {
            crate::INFO => Some(info.clone()),
            tag => sections.get(tag).map(<[u8]>::to_vec),
        })
    };
    assert!(open(u32::MAX.into()).is_ok());
    let error = open(1 << 32).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("tokens"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bytes_do_not_depend_on_memory(documents in corpus(3000), positions in any::<bool>()) {
        let all = build(&documents, options(positions, 1 << 30));
        prop_assert_eq!(&build(&documents, options(positions, 0)), &all);
        let reader = Reader::in_memory(&all).unwrap();
        prop_assert_eq!(reader.verify(), Ok(()));
        prop_assert_eq!(reader.info().positions, positions);
    }

    #[test]
    fn damage_is_an_error_or_another_answer(
        documents in corpus(400),
        positions in any::<bool>(),
        flips in proptest::collection::vec((0usize..6, any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of((0usize..6, any::<prop::sample::Index>())),
    ) {
        let sections = build(&documents, options(positions, 1 << 30));
        let mut damaged: Vec<Vec<u8>> = crate::TAGS
            .iter()
            .map(|&tag| sections.get(tag).unwrap().to_vec())
            .collect();
        for (section, at, byte) in flips {
            if !damaged[section].is_empty() {
                let at = at.index(damaged[section].len());
                match byte {
                    // A number as large as can be.
                    ..16 => damaged[section].iter_mut().skip(at & !7).take(8).for_each(|b| *b = 0xFF),
                    _ => damaged[section][at] ^= byte,
                }
            }
        }
        if let Some((section, at)) = cut {
            let length = at.index(damaged[section].len() + 1);
            damaged[section].truncate(length);
        }
        let get = |tag| {
            let at = crate::TAGS.iter().position(|&of| of == tag);
            at.map(|at| &damaged[at][..])
        };
        if let Ok(reader) = Reader::open(get) {
            let _ = reader.verify();
            let analyzer = Analyzer::by_name("plain").unwrap();
            for query in ["w0 w1 w2 w3 w17 w100", "\"w0 w1\" w2", "+w1 -w2 -\"w0 w0\" w3"] {
                crate::search::tests::search_anything(&reader, query, &analyzer);
            }
        }
    }
}
