use super::*;
use crate::corpus::tsv::parser;
use proptest::prelude::*;

fn documents() -> FieldNames {
    FieldNames {
        id: "_id".into(),
        title: Some("title".into()),
        text: "text".into(),
        text_is_optional: false,
        left_out: None,
    }
}

fn queries() -> FieldNames {
    FieldNames {
        title: None,
        ..documents()
    }
}

fn read(text: &str, fields: &FieldNames) -> Result<Vec<Record>, LineFault> {
    let mut parser = parser(fields);
    text.lines()
        .filter_map(|line| parser.parse(line).transpose())
        .collect()
}

#[test]
fn lines_without_header() {
    let record = &read("7\tsome text\tA title", &documents()).unwrap()[0];
    let parts = [&record.key, &record.text, &record.title];
    assert_eq!(parts, ["7", "some text", "A title"]);
    assert_eq!(read("7\t", &documents()).unwrap()[0].text, "");
    for (line, count) in [("7", 1), ("7\ta\tb\tc d\td", 5)] {
        let fault = read(line, &documents()).unwrap_err();
        assert!(
            matches!(fault, LineFault::Columns { got, .. } if got == count),
            "{fault}"
        );
    }
    let fault = read("\ta", &documents()).unwrap_err();
    assert!(matches!(fault, LineFault::EmptyKey { .. }));
    // A word of a header is no header.
    for line in ["id\tis a word", "1\ttext", "t\tx", "a b\tc", "a1\ttext"] {
        assert_eq!(read(line, &documents()).unwrap().len(), 1, "{line}");
    }
}

/// The headers that people have. To add one is to add a line: header, then line, then what it says.
#[test]
fn columns_are_taken_by_name() {
    for (header, line) in [
        // BEIR, as its JSON fields are called.
        ("_id\ttitle\ttext", "7\tT\tsome text"),
        ("_id\ttext\ttitle\tmetadata", "7\tsome text\tT\tmore"),
        ("id\ttext\ttitle", "7\tsome text\tT"),
        // MS MARCO passages and documents.
        ("pid\tpassage\ttitle", "7\tsome text\tT"),
        ("docid\turl\ttitle\tbody", "7\thttp://a\tT\tsome text"),
        // TREC.
        ("DOCNO\tHEADLINE\tTEXT", "7\tT\tsome text"),
        ("docno\ttext\ttitle", "7\tsome text\tT"),
        // Pyserini.
        ("id\tcontents\ttitle", "7\tsome text\tT"),
        ("docid\ttitle\tcontents", "7\tT\tsome text"),
        // ir_datasets.
        ("doc_id\ttext\ttitle", "7\tsome text\tT"),
        ("doc_id\ttitle\tabstract", "7\tT\tsome text"),
        (
            "doc_id\turl\ttitle\theadings\tbody",
            "7\tu\tT\th\tsome text",
        ),
        ("doc_id\ttitle\tabstract\ttext", "7\tT\tshort\tsome text"),
        // DPR's Wikipedia.
        ("id\ttext\ttitle\turl", "7\tsome text\tT\tu"),
        // Any order and any way of writing.
        ("text\tid\ttitle", "some text\t7\tT"),
        ("Title\tDoc-ID\tPassage Text", "T\t7\tsome text"),
        ("#id\ttitle\ttext", "7\tT\tsome text"),
        ("\"id\"\t\"title\"\t\"text\"", "7\tT\tsome text"),
        ("id\ttitle\ttext\tsha1\tpart2", "7\tT\tsome text\tx\ty"),
        (
            "id\ttitle\ttext\tDate of printing (UTC)",
            "7\tT\tsome text\tx",
        ),
        // Written with row numbers, or with a tab at the end.
        ("\tid\ttitle\ttext", "0\t7\tT\tsome text"),
    ] {
        let found = read(&format!("{header}\n{line}"), &documents()).unwrap();
        assert_eq!(found.len(), 1, "{header}");
        let parts = [&found[0].key, &found[0].title, &found[0].text];
        assert_eq!(parts, ["7", "T", "some text"], "{header}");
        let cells = line.split('\t').count();
        assert_eq!(
            found[0].metadata.len(),
            cells - 3,
            "{header}: the rest is metadata"
        );
    }
}

#[test]
fn columns_of_queries_are_taken_by_name() {
    for (header, line, further) in [
        ("qid\tquery", "7\tsome words", 0),
        ("query_id\ttext", "7\tsome words", 0),
        ("query-id\tquery-text", "7\tsome words", 0),
        (
            "query_id\ttitle\tdescription\tnarrative",
            "7\tsome words\td\tn",
            2,
        ),
        (
            "topic\tquery\tquestion\tnarrative",
            "7\tsome words\tq\tn",
            2,
        ),
        ("_id\ttext\tmetadata", "7\tsome words\tm", 1),
        ("query\tqid", "some words\t7", 0),
    ] {
        let found = read(&format!("{header}\n{line}"), &queries()).unwrap();
        assert_eq!(found.len(), 1, "{header}");
        let parts = [&found[0].key, &found[0].text, &found[0].title];
        assert_eq!(parts, ["7", "some words", ""], "{header}");
        assert_eq!(found[0].metadata.len(), further, "{header}");
    }
    // Without a header a third column has no name, and is kept all the same.
    let found = &read("7\tsome words\tmore", &queries()).unwrap()[0];
    assert_eq!(found.metadata["column 3"], "more");
}

#[test]
fn a_header_that_is_not_known_is_no_document() {
    for text in [
        "id\tsatz\n1\tein Satz",
        "id\tlang\tquelle\n1\tde\tein Satz",
        "title\ttext\nT\tsome text",
        "nr\ttext\n1\tsome text",
        "id\ttext\turl\turl\n1\tx\ta\tb",
        "nr\tsatz\n1\tein Satz",
        "schluessel\ttitel\tinhalt\n1\tT\tein Satz",
    ] {
        let fault = read(text, &documents()).unwrap_err();
        let LineFault::UnknownHeader { found } = &fault else {
            panic!("{text}: {fault}")
        };
        let first = text.split('\t').next().unwrap();
        assert!(found.contains(&format!("{first:?}")), "{found}");
    }
    // The caller's names are known.
    let fields = FieldNames {
        id: "nr".into(),
        title: Some("Über".into()),
        text: "der satz".into(),
        ..documents()
    };
    let found = &read("Über\tder satz\tnr\nT\tein Satz\t1", &fields).unwrap()[0];
    assert_eq!(
        [&found.key, &found.title, &found.text],
        ["1", "T", "ein Satz"]
    );
    // Judgements are no documents.
    for header in [
        "query-id\tcorpus-id\tscore",
        "query_id\tdoc_id\trelevance\titeration",
    ] {
        let fault = read(&format!("{header}\nq\td\t1\t0"), &documents()).unwrap_err();
        assert_eq!(fault, LineFault::Judgements);
    }
}

/// A name that the caller chose and no column has: the name, and the file.
#[test]
fn a_column_that_is_not_there_is_an_error() {
    let by = |id: &str, title: &str, text: &str| FieldNames {
        id: id.into(),
        title: Some(title.into()),
        text: text.into(),
        ..documents()
    };
    for (fields, missing, file) in [
        (by("_id", "title", "foo"), "foo", "id\ttext\n1\tx"),
        (by("foo", "title", "text"), "foo", "id\ttext\n1\tx"),
        (by("_id", "foo", "text"), "foo", "id\ttext\n1\tx"),
        (by("_id", "title", "Text"), "Text", "id\ttext\n1\tx"),
        (by("_id", "title", "foo"), "foo", "1\tx y\n2\tz"),
        (by("_id", "foo", "text"), "foo", "1\tx y\tT\n2\tz"),
    ] {
        let fault = read(file, &fields).unwrap_err();
        let LineFault::MissingColumn { column, .. } = &fault else {
            panic!("{file}: {fault}")
        };
        assert_eq!(column, missing, "{file}");
        assert!(fault.is_of_whole_file());
    }
    for (fields, file) in [
        (by("key", "h", "t"), "key\th\tt\n1\tT\tx"),
        (by("key", "h", "t"), "\"t\"\t\"h\"\t\"key\"\nx\tT\t1"),
        (by("_id", "h", "text"), "id\th\ttext\n1\tT\tx"),
    ] {
        let found = &read(file, &fields).unwrap()[0];
        assert_eq!([&found.key, &found.title, &found.text], ["1", "T", "x"]);
    }
}

#[test]
fn a_header_is_a_header_wherever_it_stands() {
    // Behind blank lines, which the caller leaves out, and between concatenated files.
    let text = "id\ttitle\ttext\n1\tT\tx\nid\ttitle\ttext\n2\tT\ty";
    let found = read(text, &documents()).unwrap();
    let keys: Vec<_> = found.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["1", "2"]);
    let found = read("id\ttext\t\n1\tx\t\n2\ty", &documents()).unwrap();
    assert_eq!((found.len(), found[0].metadata.len()), (2, 0));
    let found = &read("\tid\ttext\n0\t1\tx", &documents()).unwrap()[0];
    assert_eq!(
        (found.key.as_str(), &found.metadata["column 1"]),
        ("1", &"0".into())
    );
}

#[test]
fn lines_must_have_the_columns_of_the_header() {
    let short = read("id\ttext\ttitle\n1\tx", &documents()).unwrap();
    assert_eq!((short[0].text.as_str(), short[0].title.as_str()), ("x", ""));
    for line in ["1\tT", "1\tT\tx\ty"] {
        let fault = read(&format!("id\ttitle\ttext\n{line}"), &documents()).unwrap_err();
        assert!(
            fault.to_string().contains("the 3 columns of the header"),
            "{fault}"
        );
    }
}

proptest! {
    /// Whatever the order of named columns, each cell arrives in its place.
    #[test]
    fn the_order_of_columns_does_not_matter(order in Just(vec![("docid", "7"), ("title", "T"), ("body", "x y"), ("url", "u"), ("lang", "en")]).prop_shuffle()) {
        let (header, line): (Vec<_>, Vec<_>) = order.into_iter().unzip();
        let found = read(&format!("{}\n{}", header.join("\t"), line.join("\t")), &documents()).unwrap();
        prop_assert_eq!([&found[0].key, &found[0].title, &found[0].text], ["7", "T", "x y"]);
        prop_assert_eq!(&found[0].metadata["url"], "u");
        prop_assert_eq!(&found[0].metadata["lang"], "en");
    }
}
