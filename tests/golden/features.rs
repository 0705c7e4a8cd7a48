//! The golden index with columns and words, and what the one without them needs to get them.

use super::*;

const ALL_KINDS: [NewDocument<'static>; 4] = [
    NewDocument::new("b").title("Ant").text("An ant.").metadata(
        r#"{"legs":6,"flies":false,"names":["ant","Ameise"],"size":{"mm":4.5},"id":-9223372036854775808}"#,
    ),
    NewDocument::new("a")
        .text("A bee flies.")
        .metadata(r#"{"legs":6.0,"flies":true,"seen":null,"tags":[],"id":18446744073709551615}"#),
    NewDocument::new("c")
        .metadata(r#"{"legs":"many","at":[1,-2,[2.5,{"x":"\u00e9"}]],"a.b":{"":0}}"#),
    NewDocument::new("d").text("No ant has metadata here."),
];

/// What takes the place of "a": its legs are of two types now.
const REPLACED: NewDocument<'static> = NewDocument::new("a")
    .text("Another bee flies.")
    .metadata(r#"{"legs":[6,"six"],"flies":true,"size":{}}"#);

pub fn golden() -> PathBuf {
    root().join("tests/golden/v5-features")
}

fn names() -> Vec<String> {
    let kinds = KINDS.iter().copied().chain(["columns", "words"]);
    let first = kinds.clone().map(|kind| format!("{kind}-00000001.clx"));
    let second = kinds.skip(1).map(|kind| format!("{kind}-00000002.clx"));
    let others = ["manifest", "deletions-00000003.clx"].map(str::to_owned);
    first.chain(second).chain(others).collect()
}

/// Writes it anew.
pub fn bless() {
    let tmp = tempfile::tempdir().unwrap();
    build(tmp.path(), &ALL_KINDS, REPLACED);
    std::fs::create_dir_all(golden()).unwrap();
    for name in names() {
        std::fs::copy(tmp.path().join(&name), golden().join(&name)).unwrap();
    }
}

fn matching(index: &Index, filter: &str) -> Vec<String> {
    let found = index.matching(&Filter::parse(filter).unwrap()).unwrap();
    let mut keys: Vec<String> = found
        .iter()
        .map(|doc| index.key(doc).unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}

#[test]
fn it_opens_verifies_and_is_filtered() {
    if blessing() {
        return;
    }
    let index = Index::open(golden()).unwrap();
    index.verify().unwrap();
    let info = index.info().unwrap();
    assert_eq!((info.segments.len(), info.deleted_documents), (2, 1));
    for document in ALL_KINDS.iter().filter(|d| d.key != "a").chain([&REPLACED]) {
        let stored = index.document(index.find(document.key).unwrap().unwrap());
        assert_eq!(stored.unwrap().metadata, document.metadata);
    }
    for (filter, expected) in [
        ("legs = 6", &["a", "b"][..]),
        ("legs <> 6", &[]),
        ("legs <> 'six'", &["c"]),
        ("legs IN ('six', 'many')", &["a", "c"]),
        ("legs = 'six'", &["a"]),
        ("flies", &["a"]),
        ("NOT flies", &["b", "c", "d"]),
        ("names LIKE 'A%'", &["b"]),
        ("size.mm BETWEEN 4 AND 5", &["b"]),
        ("size IS NOT NULL", &["a", "b"]),
        ("seen IS NULL", &["a", "b", "c", "d"]),
        ("at < 0 AND at > 2", &["c"]),
        ("at.x = 'é'", &["c"]),
        ("\"a.b\".\"\" = 0", &["c"]),
        ("id < -9223372036854775807", &["b"]),
        ("id > 9223372036854775807", &[]),
    ] {
        assert_eq!(matching(&index, filter), expected, "{filter}");
    }
    let fields = index.fields().unwrap();
    let paths: Vec<&str> = fields.iter().map(|field| &field.path[..]).collect();
    let all = [
        "a\\.b.", "at", "at.x", "flies", "id", "legs", "names", "seen", "size", "size.mm", "tags",
    ];
    assert_eq!(paths, all);
    let options = SearchOptions::default().filter(Filter::parse("legs = 6").unwrap());
    let found = index.search_words(&WordQuery::words("ants"), &options);
    let keys: Vec<String> = found.unwrap().hits.into_iter().map(|hit| hit.key).collect();
    assert_eq!(keys, ["b"], "not \"d\", which has the word and no legs");
}

#[test]
fn the_same_input_still_gives_the_same_bytes() {
    if blessing() {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    build(tmp.path(), &ALL_KINDS, REPLACED);
    let mut written: Vec<String> = std::fs::read_dir(tmp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "lock")
        .collect();
    written.sort();
    let mut expected = names();
    expected.sort();
    assert_eq!(written, expected);
    assert_same_bytes(tmp.path(), &golden(), &expected);
}

/// An index from before there were columns says how it gets them.
#[test]
fn compacting_the_older_index_gives_it_columns() {
    let tmp = tempfile::tempdir().unwrap();
    for name in super::names() {
        std::fs::copy(super::golden().join(&name), tmp.path().join(&name)).unwrap();
    }
    let before = Index::open(tmp.path()).unwrap();
    let filter = Filter::parse("legs = 6").unwrap();
    let refusals = [
        before.matching(&filter).map(drop),
        before.fields().map(drop),
        before.facets("legs", None, 1).map(drop),
    ];
    for refused in refusals {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::NoColumns { .. }), "{error}");
        assert!(error.to_string().contains("compact the index"), "{error}");
    }
    let options = WriterOptions::default().model(model());
    let mut writer = IndexWriter::open(tmp.path(), options).unwrap();
    writer.compact(&NoProgress).unwrap();
    let after = Index::open(tmp.path()).unwrap();
    after.verify().unwrap();
    assert_eq!(matching(&after, "legs = 6"), ["b"]);
    assert_eq!(after.fields().unwrap().len(), 1);
    // The index that is open keeps its state.
    assert!(matches!(
        before.matching(&filter),
        Err(Error::NoColumns { .. })
    ));
}
