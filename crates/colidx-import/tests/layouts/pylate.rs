use colidx_import::{ImportError, NoteKind};

use crate::write::{
    Chunk, Folder, decoded_in_half, dict_pickle, int_pickle, merged, stanford, text_pickle,
    two_chunks, xtr_warp,
};
use crate::{count, keys, open, refused, vectors};

const PLAID: &str = "plaid_ids_to_documents_ids.pkl";

/// An index of fast-plaid inside of PyLate's folder.
fn fast_plaid(ids: &[u8]) -> Folder {
    let (outer, inner) = (Folder::new(), Folder::new());
    merged(&inner, &two_chunks(), "");
    std::fs::rename(inner.path(), outer.file("fast_plaid_index")).unwrap();
    outer.write(PLAID, ids);
    outer
}

fn names(names: &[(usize, &str)]) -> Vec<u8> {
    let items: Vec<_> = names
        .iter()
        .map(|&(n, name)| (n, text_pickle(name)))
        .collect();
    dict_pickle(&items)
}

#[test]
fn ids_of_fast_plaid() {
    let ids = names(&[(4, "e"), (0, "ä"), (1, "b/b"), (2, " "), (3, "d")]);
    let folder = fast_plaid(&ids);
    let mut index = open(folder.path());
    assert_eq!(
        index.engine().to_string(),
        "fast-plaid 1.7 or later, in PyLate 1.5 or later"
    );
    assert_eq!(keys(&mut index), ["ä", "b/b", " ", "d", "e"]);
    assert_eq!(vectors(&index), decoded_in_half(&two_chunks()));
    assert_eq!(index.report().notes(), []);
    let numbers: Vec<_> = (0..5).map(|n| (n, int_pickle(100 - n))).collect();
    let folder = fast_plaid(&dict_pickle(&numbers));
    assert_eq!(
        keys(&mut open(folder.path())),
        ["100", "99", "98", "97", "96"]
    );
}

#[test]
fn ids_that_are_other_numbers_are_keys_where_they_differ() {
    let long = [&b"\x8a\x09"[..], &[0xff; 8], b"\0"].concat();
    let float = [&b"G"[..], &1.5f64.to_be_bytes()].concat();
    let ids = [
        (0, long),
        (1, float),
        (2, b"\x88".to_vec()),
        (3, b"\x89".to_vec()),
        (4, int_pickle(7)),
    ];
    let mut index = open(fast_plaid(&dict_pickle(&ids)).path());
    let expected = ["18446744073709551615", "1.5", "true", "false", "7"];
    assert_eq!(keys(&mut index), expected);
    let ids = [(0, int_pickle(7)), (1, text_pickle("7"))];
    let error = refused(fast_plaid(&dict_pickle(&ids)).path()).to_string();
    assert!(error.contains("document 1 has the text `7`"), "{error}");
}

#[test]
fn the_folder_of_the_engine_is_that_of_pylate() {
    let ids = names(&[(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]);
    let folder = fast_plaid(&ids);
    let mut index = open(&folder.file("fast_plaid_index"));
    assert_eq!(keys(&mut index), ["a", "b", "c", "d", "e"]);
    assert!(index.engine().to_string().contains("PyLate"));
    folder.remove(PLAID);
    let mut index = open(&folder.file("fast_plaid_index"));
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    std::fs::create_dir(folder.file("warp_index")).unwrap();
    let error = refused(folder.path()).to_string();
    assert!(
        error.contains("`fast_plaid_index`, `warp_index`"),
        "{error}"
    );
}

#[test]
fn of_an_id_given_twice_the_last_document_counts() {
    let folder = fast_plaid(&names(&[
        (0, "a"),
        (1, "b"),
        (2, "a"),
        (4, "e"),
        (9, "old"),
    ]));
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["b", "a", "e"]);
    assert_eq!(count(&index, NoteKind::RepeatedId), 1);
    let all = decoded_in_half(&two_chunks());
    assert_eq!(vectors(&index), [&all[1][..], &all[2], &all[4]]);
}

#[test]
fn documents_without_an_id_are_deleted_if_others_have_one() {
    let mut index = open(fast_plaid(&names(&[(0, "a"), (2, "c"), (4, "e")])).path());
    assert_eq!(keys(&mut index), ["a", "c", "e"]);
    assert_eq!(count(&index, NoteKind::Deleted), 2);
    assert_eq!(count(&index, NoteKind::NoId), 0);
    let mut index = open(fast_plaid(&names(&[(9, "old")])).path());
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    assert_eq!(count(&index, NoteKind::NoId), 5);
}

#[test]
fn ids_of_warp_and_of_stanford() {
    let (outer, inner) = (Folder::new(), Folder::new());
    xtr_warp(&inner, &two_chunks(), &[&[0, 1, 2], &[3, 10]]);
    std::fs::rename(inner.path(), outer.file("warp_index")).unwrap();
    outer.write(
        "warp_ids_to_documents_ids.pkl",
        names(&[(0, "a"), (1, "b"), (2, "c"), (3, "d"), (10, "k")]),
    );
    let mut index = open(outer.path());
    assert_eq!(keys(&mut index), ["a", "b", "c", "d", "k"]);
    assert_eq!(index.engine().name, "xtr-warp-rs");

    let folder = Folder::new();
    stanford(
        &folder,
        &[Chunk::new(&[2, 0, 1], 3)],
        "\"checkpoint\": null",
    );
    folder.write(PLAID, names(&[(0, "a"), (2, "c")]));
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["a", "c"]);
    assert_eq!(index.model(), None);
    assert!(index.engine().to_string().contains("PyLate"));
}

#[test]
fn pickles_of_anything_else_are_refused() {
    let numpy = b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nK\x05\x86R".to_vec();
    let system = b"cos\nsystem\nX\x02\0\0\0ls\x85R".to_vec();
    for (value, named) in [
        (numpy, "numpy._core.multiarray.scalar"),
        (system, "os.system"),
        (b"N".to_vec(), "None"),
        (text_pickle(""), "an empty text"),
        (text_pickle(&"x".repeat(4097)), "a text of 4097 bytes"),
    ] {
        let folder = fast_plaid(&dict_pickle(&[(3, value)]));
        let error = refused(folder.path()).to_string();
        assert!(error.contains(named) && error.contains(PLAID), "{error}");
        let advice = error.contains("document 3") && error.contains("give it another id");
        assert!(advice && !error.contains("damaged"), "{error}");
    }
    let by_text = [
        &b"\x80\x04}"[..],
        &text_pickle("a"),
        &text_pickle("b"),
        b"s.",
    ]
    .concat();
    for pickle in [by_text, b"\x80\x04K\x01.".to_vec()] {
        let error = refused(fast_plaid(&pickle).path());
        assert!(matches!(error, ImportError::Mismatch { .. }), "{error}");
    }
    // Instructions without end, text that is not there, and classes.
    let bomb = [&b"\x80\x04"[..], &b")\x94".repeat(1 << 20), b"."].concat();
    for pickle in [
        bomb,
        b"".to_vec(),
        b"\x80\x04X\xff\xff\xff\x7fa".to_vec(),
        b"\x80\x02(cos\nsystem\no.".to_vec(),
    ] {
        let error = refused(fast_plaid(&pickle).path());
        assert!(matches!(error, ImportError::Pickle { .. }), "{error}");
    }
    let folder = fast_plaid(b"");
    folder.remove(PLAID);
    assert!(refused(folder.path()).to_string().contains(PLAID));
}
