"""Bad input: a clear exception, and nothing half-written."""

import colidx
import numpy as np
import pytest
from conftest import CORPUS, DIM, MODEL

EYE = np.eye(DIM, dtype=np.float32)


def broken(documents):
    yield from documents
    raise RuntimeError("the source broke")


@pytest.mark.parametrize(
    "corpus, error, says",
    [
        ([{"_id": "a"}], colidx.InputError, "document 1: expected a field 'text', got '_id'"),
        ([{"text": "x"}], colidx.InputError, "document 1: expected a field '_id' or 'id'"),
        ([("a", "x"), {"id": 7, "text": "x"}], colidx.ArgumentError, "document 2, 'id': .*got int"),
        ([(b"a", "x")], colidx.ArgumentError, "got bytes"),
        ([("a", 3)], colidx.ArgumentError, "text of 'a': expected str, got int"),
        ([3], colidx.ArgumentError, "expected a dict or a pair of key and text, got int"),
        ([("a", "x", "y")], colidx.ArgumentError, "got tuple"),
        ([("a", "x"), ("a", "y")], colidx.DuplicateKeyError, "`a` occurs more than once"),
        ([("a" * 5000, "x")], colidx.InputError, "5000 bytes"),
        ([], colidx.InputError, "at least one document"),
        (None, colidx.ArgumentError, "got NoneType"),
        ({"a": "x"}, colidx.ArgumentError, r"got dict; pass its items\(\)"),
        ("missing.jsonl", FileNotFoundError, "missing.jsonl"),
        ([{"id": "a", "text": "x", "when": object()}], colidx.InputError, "metadata of 'a'"),
    ],
)
def test_a_bad_corpus(corpus, error, says, encoder, folder):
    with pytest.raises(error, match=says):
        colidx.build("docs.colidx", corpus, encoder)
    assert not (folder / "docs.colidx").exists()


@pytest.mark.parametrize("number", [0, 1, 10**6, 2**62, 2**63, 2**64 - 1])
def test_numbers_of_any_size(number, vectors):
    for name in ("k", "n_probe", "candidates", "rerank"):
        found = vectors.search_vectors(EYE, **{name: number})
        assert len(found) == (min(number, 50) if name == "k" else 10)


def test_a_bad_line_is_named(encoder, folder):
    (folder / "bad.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "b"}\n')
    with pytest.raises(colidx.InputError, match="bad.jsonl:2"):
        colidx.build("docs.colidx", "bad.jsonl", encoder)
    assert not (folder / "docs.colidx").exists()


def test_bad_lines_are_skipped_with_a_warning(encoder, folder):
    (folder / "bad.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "b"}\n')
    with pytest.warns(colidx.CorpusWarning, match=r"1 bad line\n  .*bad.jsonl:2") as told:
        index = colidx.build("docs.colidx", "bad.jsonl", encoder, skip_bad_lines=True)
    assert list(index) == ["a"]
    assert told[0].filename == __file__


def skipped(folder):
    (folder / "in" / "more.docx").write_bytes(b"PK\0")
    return {}


def unreadable(folder):
    (folder / "in" / "a.txt").write_bytes(b"the moon \xff\xfe and the sun")
    return {}


def without_use(folder):
    return {"passage_words": 20}


def blank(folder):
    with (folder / "in" / "corpus.jsonl").open("a") as lines:
        lines.write('{"_id": "blank", "text": " "}\n')
    return {}


def long(folder):
    with (folder / "in" / "corpus.jsonl").open("a") as lines:
        lines.write('{"_id": "long", "text": "%s"}\n' % ("the moon " * 500))
    return {}


@pytest.mark.parametrize(
    "left_out, says",
    [
        (skipped, "skipped: 1 file of other formats, such as .*more.docx"),
        (unreadable, "not UTF-8: 1 file"),
        (without_use, "not used: passage_words: nothing was split into passages"),
        (blank, "empty: 1 document with neither title nor text"),
        (long, "truncated: 1 document, such as `long`, of which the first .* tokens were read"),
    ],
)
def test_what_is_left_out_is_told(left_out, says, encoder, folder):
    (folder / "in").mkdir()
    (folder / "in" / "corpus.jsonl").write_text('{"_id": "a", "text": "the moon"}\n')
    options = left_out(folder)
    with pytest.warns(colidx.CorpusWarning, match=says) as told:
        index = colidx.build("docs.colidx", "in", encoder, **options)
    assert {one.filename for one in told} == {__file__}
    with pytest.warns(colidx.CorpusWarning, match=says):
        with index.writer() as writer:
            writer.update_all("in", **options)


def test_a_corpus_that_is_read_whole_warns_of_nothing(encoder, folder, recwarn):
    (folder / "corpus.jsonl").write_text('{"_id": "a", "text": "the moon"}\n')
    colidx.build("docs.colidx", "corpus.jsonl", encoder)
    colidx.build("docs.colidx", CORPUS, encoder, force=True)
    assert [str(one.message) for one in recwarn] == []


@pytest.mark.parametrize("corpus", ["blank.jsonl", [("a", " "), ("b", "")]])
def test_documents_of_nothing_are_no_corpus(corpus, index, encoder, folder):
    (folder / "blank.jsonl").write_text('{"_id": "a", "text": " "}\n')
    says = "at least one document with a title or text"
    with pytest.raises(colidx.InputError, match=says):
        colidx.build("docs.colidx", corpus, encoder, force=True)
    with pytest.raises(colidx.InputError, match=says):
        with index.writer() as writer:
            writer.add_all(corpus)
    assert len(colidx.open("docs.colidx")) == len(CORPUS)


def test_some_documents_of_nothing_are_told(encoder):
    with pytest.warns(colidx.CorpusWarning, match="1 of 2 documents have neither"):
        colidx.build("docs.colidx", [("a", "the moon"), ("b", " ")], encoder)


def test_long_records_become_passages_where_that_is_asked_for(encoder, folder):
    (folder / "long.jsonl").write_text('{"_id": "a", "text": "%s"}\n' % ("the moon. " * 500))
    index = colidx.build("docs.colidx", "long.jsonl", encoder, split_long=True)
    assert len(index) > 1 and "a#1" in index


def test_options_of_files_are_for_files(encoder, folder):
    with pytest.raises(colidx.ArgumentError, match="format: expected None"):
        colidx.build("docs.colidx", [("a", "x")], encoder, format="jsonl")
    with pytest.raises(colidx.OptionError, match="format"):
        colidx.build("docs.colidx", "a.jsonl", encoder, format="docx")
    assert not (folder / "docs.colidx").exists()


def test_a_generator_that_breaks_leaves_the_old_index(index, encoder, folder):
    with pytest.raises(RuntimeError, match="broke"):
        colidx.build("docs.colidx", broken([("a", "x")]), encoder, force=True)
    with pytest.raises(RuntimeError, match="broke"):
        colidx.build("new.colidx", broken([("a", "x")]), encoder)
    with pytest.raises(RuntimeError, match="broke"):
        colidx.build_from_vectors("new.colidx", ["a", "b"], broken([EYE]))
    with pytest.raises(RuntimeError, match="broke"):
        with index.writer() as w:
            w.add_all(broken([("a", "x")]))
    assert not (folder / "new.colidx").exists()
    assert len(colidx.open("docs.colidx")) == 4
    colidx.open("docs.colidx").verify()


@pytest.mark.parametrize(
    "keys, vectors, ids, error, says",
    [
        (["a"], [EYE, EYE], None, colidx.VectorError, "keys: expected one for each"),
        (["a", "b"], [EYE], None, colidx.VectorError, "vectors: expected one array for each key"),
        (["a", "b"], [EYE, EYE], [range(DIM)], colidx.VectorError, "token_ids"),
        (["a"], [EYE], [range(DIM), range(DIM)], colidx.VectorError, "token_ids: expected 1"),
        (["a"], [EYE], [range(3)], colidx.VectorError, "3 token ids, expected 16"),
        (["a"], [EYE], [[-1] * DIM], colidx.VectorError, "ids from 0"),
        (["a"], [EYE], [[0.5] * DIM], colidx.DtypeError, "whole numbers"),
        ([1], [EYE], None, colidx.ArgumentError, r"keys\[0\].*got int"),
        (
            ["a"] * DIM,
            EYE,
            None,
            colidx.VectorError,
            r"vectors\[0\]: expected shape \(tokens, dim\)",
        ),
        (["a"], [EYE.astype("f8")], None, colidx.DtypeError, "float64"),
        (["a"], [EYE.astype(object)], None, colidx.DtypeError, "object"),
        (["a"], [EYE.astype("i4")], None, colidx.DtypeError, "int32"),
        (["a"], [np.full_like(EYE, np.nan)], None, colidx.VectorError, "non-finite"),
        (
            ["a", "b"],
            [EYE, EYE[:, :3]],
            None,
            colidx.VectorError,
            'vectors of "b": expected dimension 16, got 3',
        ),
        (["a", "a"], [EYE, EYE], None, colidx.DuplicateKeyError, "`a`"),
        (["a"], [], None, colidx.VectorError, "at least one"),
        (["a"], 7, None, colidx.ArgumentError, "an iterable of arrays, got int"),
        ("a", [EYE], None, colidx.ArgumentError, "keys: expected an iterable of str, got str"),
        (["a"], "abc", None, colidx.ArgumentError, "got str"),
    ],
)
def test_bad_vectors(keys, vectors, ids, error, says, folder):
    with pytest.raises(error, match=says):
        colidx.build_from_vectors("v.colidx", keys, vectors, ids)
    assert not (folder / "v.colidx").exists()


@pytest.mark.parametrize(
    "query, error, says",
    [
        (EYE[None], colidx.VectorError, "search_many"),
        (EYE[0], colidx.VectorError, r"query: expected shape \(tokens, dim\), got \(16,\)"),
        (EYE[:0], colidx.VectorError, "query"),
        (EYE[:, :4], colidx.VectorError, "4 values each, those of the index 16"),
        (EYE.astype("f8"), colidx.DtypeError, "query: expected an array of float32 or float16"),
        (EYE.astype(object), colidx.DtypeError, "got object"),
        (np.full_like(EYE, np.inf), colidx.VectorError, "non-finite"),
        ("text", colidx.DtypeError, "query"),
        (None, colidx.DtypeError, "query"),
        ([[1.0], [1.0, 2.0]], colidx.DtypeError, "query: expected an array"),
    ],
)
def test_bad_queries_of_vectors(query, error, says, vectors):
    with pytest.raises(error, match=says):
        vectors.search_vectors(query)


def test_a_matrix_where_several_queries_are_meant(vectors):
    with pytest.raises(colidx.VectorError, match=r"queries\[0\]: expected shape"):
        vectors.search_many(EYE)
    with pytest.raises(colidx.DtypeError, match=r"queries\[1\]"):
        vectors.search_many([EYE, EYE.astype("f8")])


def test_bad_queries_of_text(index):
    for query in ("", "  "):
        with pytest.raises(colidx.InputError, match="empty"):
            index.search(query)
    for query in (None, 7, b"moon", ["moon"]):
        with pytest.raises(colidx.ArgumentError, match="query: expected str"):
            index.search(query)
    with pytest.raises(colidx.ArgumentError, match="list of texts"):
        index.search_many("moon")
    with pytest.raises(colidx.ArgumentError, match=r"queries\[1\]: expected str, got int"):
        index.search_many(["moon", 7])
    with pytest.raises(colidx.ArgumentError, match="keys: expected a list"):
        index.search("moon", keys="tea")
    with pytest.raises(colidx.KeyNotFoundError):
        index.explain("moon", "unknown")


@pytest.mark.parametrize(
    "options, error",
    [
        ({"k": -1}, colidx.OptionError),
        ({"k": "many"}, colidx.OptionError),
        ({"exact": "yes"}, colidx.OptionError),
        ({"timeout": -1}, colidx.OptionError),
        ({"timeout": 1e19}, colidx.OptionError),
        ({"timeout": float("nan")}, colidx.OptionError),
        ({"k": 2**70}, colidx.OptionError),
        ({"probes": 3}, colidx.ArgumentError),
    ],
)
def test_bad_options_of_a_search_name_what_there_is(options, error, index):
    with pytest.raises(error, match=next(iter(options))):
        index.search("moon", **options)


@pytest.mark.parametrize(
    "options, error",
    [
        ({"nbits": 3}, colidx.OptionError),
        ({"shape": "round"}, colidx.OptionError),
        ({"engine": "warp"}, colidx.OptionError),
        ({"force": "no"}, colidx.OptionError),
        ({"bits": 3}, colidx.ArgumentError),
        ({"progress": 3}, colidx.ArgumentError),
    ],
)
def test_bad_options_of_a_build(options, error, encoder, folder):
    with pytest.raises(error, match=next(iter(options))):
        colidx.build("docs.colidx", CORPUS, encoder, **options)
    assert not (folder / "docs.colidx").exists()


def test_no_index_and_no_checkpoint(encoder, folder):
    with pytest.raises(FileNotFoundError):
        colidx.open("docs.colidx")
    (folder / "empty").mkdir()
    with pytest.raises(colidx.NotFoundError):
        colidx.open(folder / "empty")
    for model in ("nowhere", str(folder / "empty")):
        with pytest.raises(colidx.ModelNotFoundError):
            colidx.Encoder(model)
    with pytest.raises(colidx.HubError) as raised:
        colidx.Encoder("owner/name")
    assert isinstance(raised.value, ConnectionError)
    with pytest.raises(colidx.OptionError, match="fp16"):
        colidx.Encoder(MODEL, precision="fp16")
    with pytest.raises(colidx.ArgumentError, match="texts: expected a list of str"):
        encoder.encode_documents("one text")


def test_an_index_of_another_checkpoint(index):
    other = MODEL.with_name("tiny-modernbert")
    with pytest.raises(colidx.WrongModelError):
        colidx.open("docs.colidx", model=other).search("moon")
    with pytest.raises(colidx.WrongModelError):
        colidx.open("docs.colidx", model=colidx.Encoder(other))
    with pytest.raises(colidx.WrongModelError):
        colidx.open("docs.colidx", document_length=20).search("moon")


def test_text_for_an_index_of_vectors(vectors):
    with pytest.raises(colidx.ModelError, match="names no checkpoint"):
        vectors.search("moon")
    with pytest.raises(colidx.Error):
        with vectors.writer() as w:
            w.add("text", "the moon")
    assert "text" not in vectors


def test_damage_is_found(vectors, folder):
    file = max((folder / "v.colidx").iterdir(), key=lambda f: f.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(colidx.DamagedError):
        colidx.open("v.colidx").verify()


def test_an_index_in_the_way(vectors, folder):
    (folder / "other").mkdir()
    (folder / "other" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        colidx.build_from_vectors("other", ["a"], [EYE], force=True)
    assert (folder / "other" / "notes.txt").read_text() == "mine"


def test_every_exception_has_a_second_base():
    for error in vars(colidx.errors).values():
        if isinstance(error, type) and error not in (colidx.Error, colidx.errors.CancelledError):
            standard = [base for base in error.__mro__ if base.__module__ == "builtins"]
            assert standard[0] is not Exception, error
            assert str(error("a 'quoted' message")) == "a 'quoted' message"
