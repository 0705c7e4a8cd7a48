"""Text in, hits out."""

import json

import colidx
import pytest
from conftest import CORPUS, MODEL


def test_an_index_of_text_is_built_opened_and_searched(index):
    assert len(index) == 4
    hit = index.search("the moon and the sun", k=1)[0]
    assert (hit.key, hit.title) == ("moon", "The moon")
    assert hit.text == "The moon and the earth go around the sun."
    assert hit.metadata == {"tags": ["sky"]}
    again = colidx.open("docs.colidx").search("the moon and the sun", k=1)[0]
    assert (again.key, again.score) == (hit.key, hit.score)


def test_scores_fall_and_add_up_to_the_explanation(index):
    hits = index.search("fast computer code")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        matches = index.explain("fast computer code", hit.key)
        assert sum(match.score for match in matches) == pytest.approx(hit.score, abs=1e-4)


def test_an_explanation_counts_characters_not_bytes(encoder):
    text = "ééé é moon ééé"
    index = colidx.build("docs.colidx", [("a", text), ("b", "tea")], encoder)
    words = {match.document_token for match in index.explain("moon", "a")}
    assert "moon" in words
    for match in index.explain("moon", "a"):
        if match.part == "text":
            assert text[match.start : match.end] == match.document_token


@pytest.mark.parametrize("form", ["file", "folder", "list", "path", "generator", "pairs"])
def test_a_corpus_has_many_forms(form, encoder, folder):
    lines = "".join(json.dumps(document) + "\n" for document in CORPUS)
    (folder / "in").mkdir()
    file = folder / "in" / "corpus.jsonl"
    file.write_text(lines)
    corpus = {
        "file": str(file),
        "path": file,
        "folder": str(folder / "in"),
        "list": [file],
        "generator": (document for document in CORPUS),
        "pairs": [(document["_id"], document["text"]) for document in CORPUS],
    }[form]
    index = colidx.build("docs.colidx", corpus, encoder)
    assert sorted(index) == ["cell", "moon", "rust", "tea"]
    assert index["moon"].title == ("" if form == "pairs" else "The moon")


def test_files_and_dicts_make_the_same_bytes(encoder, folder):
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in CORPUS))
    colidx.build("a.colidx", "corpus.jsonl", encoder)
    colidx.build("b.colidx", CORPUS, encoder)
    names = ("a.colidx", "b.colidx")
    files = [{f.name: f.read_bytes() for f in (folder / name).iterdir()} for name in names]
    assert files[0] == files[1]


def test_fields_have_names(encoder):
    corpus = [{"doc": "a", "head": "H", "body": "the moon", "text": "more"}]
    index = colidx.build(
        "docs.colidx", corpus, encoder, id_field="doc", title_field="head", text_field="body"
    )
    assert index["a"] == ("a", "H", "the moon", {"text": "more"})


def test_many_queries_have_the_hits_of_each(index):
    queries = ["moon", "coffee", "gene"]
    for hits, query in zip(index.search_many(queries, k=2), queries, strict=True):
        assert [(h.key, h.score) for h in hits] == [
            (h.key, h.score) for h in index.search(query, k=2)
        ]


def test_exact_and_keys_and_effort(index):
    every = index.search("moon", exact=True)
    assert len(every) == 4
    among = index.search("moon", keys=["tea", "cell", "unknown", "tea"])
    assert [(h.key, h.score) for h in among] == [
        (h.key, h.score) for h in every if h.key in ("tea", "cell")
    ]
    assert index.search("moon", keys=[]) == []
    assert index.search("moon", n_probe=4, candidates=4, rerank=4, parallel=False, timeout=60)
    with pytest.raises(colidx.DeadlineError):
        index.search("moon", timeout=0)
    with pytest.raises(TimeoutError):
        index.search("moon", timeout=0)


def test_a_recall_that_was_measured_chooses_the_effort(index):
    for recall in (0.9, 0.5):
        with pytest.raises(colidx.OptionError, match="recall was never measured"):
            index.search("moon", recall=recall)
    for recall in (0, 1.5, float("nan")):
        with pytest.raises(colidx.OptionError, match="recall is .* must be above 0 and at most 1"):
            index.search("moon", recall=recall)
    assert index.info()["recall"] is None
    exact = [hit.key for hit in index.search("moon", exact=True)]
    assert [hit.key for hit in index.search("moon", recall=1)] == exact
    with index.writer() as writer:
        for nothing in ([], iter(())):
            with pytest.raises(colidx.OptionError, match="number of queries is 0, but must be at least 1"):
                writer.tune(nothing)
        with pytest.raises(colidx.ArgumentError, match="a list of texts or of arrays"):
            writer.tune("moon")
        vectors = colidx.Encoder(MODEL).encode_queries(["moon", "coffee"])
        by_vectors = writer.tune(vectors, k=[4, 2])
        table = writer.tune(["moon", "coffee"], k=[4, 2])
    assert [row["k"] for row in table["rows"]] == sorted(row["k"] for row in table["rows"])
    without_times = [
        [(row["k"], row["effort"], row["recall"]) for row in given["rows"]]
        for given in (by_vectors, table)
    ]
    assert without_times[0] == without_times[1]
    assert index.info()["recall"] == table
    assert [hit.key for hit in index.search("moon", k=4, recall=0.9)] == exact


def test_an_index_is_a_mapping(index):
    assert list(index) == index.keys() == ["rust", "tea", "moon", "cell"]
    assert "tea" in index and "coffee" not in index and 7 not in index
    assert index.get("coffee") is None and index.get("tea").key == "tea"
    assert index["rust"].metadata == {"year": 2015}
    with pytest.raises(KeyError, match="'coffee'"):
        index["coffee"]


def test_what_an_index_says_of_itself(index):
    info = index.info()
    assert (info["documents"], info["dim"], info["model"]["name"]) == (4, 16, "tiny-bert")
    assert sum(info["files"].values()) == info["bytes"]
    index.verify()
    assert "4 documents" in repr(index) and "docs.colidx" in repr(index)


def test_an_index_opens_with_a_checkpoint_that_moved(index, encoder, folder):
    assert colidx.open("docs.colidx", model=MODEL).search("moon", k=1)[0].key == "moon"
    assert colidx.open("docs.colidx", model=encoder).search("moon", k=1)[0].key == "moon"
    short = colidx.open("docs.colidx", query_length=8)
    assert short.search("moon", k=1)


def test_an_encoder_makes_the_vectors_that_a_search_uses(index, encoder):
    [query] = encoder.encode_queries(["the moon"])
    by_vectors = index.search_vectors(query)
    assert [(h.key, h.score) for h in by_vectors] == [
        (h.key, h.score) for h in index.search("the moon")
    ]
    [(vectors, ids)] = encoder.encode_documents(["the moon"], token_ids=True)
    assert vectors.shape == (len(ids), encoder.dim) and ids.dtype == "uint32"
    assert encoder.info()["name"] == "tiny-bert" and "tiny-bert" in repr(encoder)
    scores = encoder.score("the moon", ["the moon", "tea and coffee"])
    assert scores[0] > scores[1]


def test_progress_tells_phases(encoder):
    seen = []
    colidx.build("docs.colidx", CORPUS, encoder, progress=lambda *told: seen.append(told))
    phases = list(dict.fromkeys(phase for phase, _, _ in seen))
    assert phases == ["sample", "train", "encode", "postings", "commit"]
    assert ("encode", 4, 4) in seen and seen[-1] == ("commit", 0, None)


def test_progress_is_a_bar_where_tqdm_is_installed(encoder, capfd):
    pytest.importorskip("tqdm")
    colidx.build("docs.colidx", CORPUS, encoder, progress=True)
    assert "encode" in capfd.readouterr().err
    colidx.build("docs.colidx", CORPUS, encoder, force=True)
    assert capfd.readouterr() == ("", "")


def test_encoding_tells_progress_and_stops(encoder):
    seen = []
    texts = ["the moon"] * 500
    assert len(encoder.encode_documents(texts, progress=lambda *told: seen.append(told))) == 500
    assert seen[0] == ("encode", 0, 500) and seen[-1] == ("encode", 500, 500)

    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        encoder.encode_queries(texts, progress=stop)


def test_an_exception_of_a_callback_stops_the_build(encoder, folder):
    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        colidx.build("docs.colidx", CORPUS, encoder, progress=stop)
    assert not (folder / "docs.colidx" / "manifest").exists()


def test_closed_indexes_say_so(index):
    with index:
        pass
    assert index.closed and "closed" in repr(index)
    for use in (
        lambda: index.search("moon"),
        lambda: len(index),
        lambda: index["moon"],
        index.info,
    ):
        with pytest.raises(colidx.ClosedError):
            use()
    index.close()


def test_results_as_arrays_and_frames(index):
    keys, scores = index.search("moon", k=3, as_arrays=True)
    assert (keys.dtype, scores.dtype, keys.shape) == (object, "float32", (3,))
    assert list(keys) == [hit.key for hit in index.search("moon", k=3)]
    assert [len(found.keys) for found in index.search_many(["moon", "tea"], as_arrays=True)] == [
        4,
        4,
    ]
    with pytest.raises(ValueError, match="both"):
        index.search("moon", as_arrays=True, as_frame=True)
    with pytest.raises(colidx.OptionError):
        index.search("moon", as_frame="arrow")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_results_as_a_frame(index, library):
    pytest.importorskip(library)
    frame = index.search_many(["moon", "tea"], k=2, as_frame=library)
    assert list(frame.columns) == ["query", "key", "score", "title", "text"]
    assert list(frame["query"]) == [0, 0, 1, 1]
