"""Searching by words and both, and what is shown of a hit."""

import pickle

import colidx
import numpy as np
import pytest
from conftest import CORPUS, MODEL, maxsim

TEXTS = {document["_id"]: document["text"] for document in CORPUS}


def keys(hits):
    return [hit.key for hit in hits]


def test_by_words(index):
    assert keys(index.search("coffee", by="words")) == ["tea"]
    assert set(keys(index.search("+moon earth", by="words"))) == {"moon"}
    assert "moon" not in keys(index.search("the -moon", by="words"))
    assert keys(index.search('"computer code"', by="words")) == ["rust"]
    hits = index.search("the moon", by="words")
    assert all(hit.bm25 == hit.score and hit.maxsim is None for hit in hits)
    assert [keys(found) for found in index.search_many(["coffee", "gene"], by="words")] == [
        ["tea"],
        ["cell"],
    ]
    with pytest.raises(colidx.InputError, match="empty"):
        index.search("  ", by="words")


def test_by_words_no_checkpoint_is_opened(index, folder):
    index.close()
    (folder / "elsewhere").mkdir()
    away = colidx.open("docs.colidx", model=folder / "elsewhere")
    assert keys(away.search("coffee", by="words")) == ["tea"]
    with pytest.raises(colidx.ModelError):
        away.search("coffee")


def test_an_index_of_vectors_alone_has_no_words(vectors):
    assert vectors.search("moon", by="words") == []


def test_hybrid_is_the_weighted_sum(index):
    query = "the moon and coffee"
    for weight in (0.0, 0.3, 1.0):
        for hit in index.search(query, by="hybrid", weight=weight, k=4):
            expected = weight * hit.maxsim + (1 - weight) * hit.bm25
            assert hit.score == pytest.approx(expected, abs=1e-4)
    by_vectors = {hit.key: hit.score for hit in index.search(query)}
    by_words = {hit.key: hit.score for hit in index.search(query, by="words")}
    for hit in index.search(query, by="hybrid"):
        assert hit.maxsim == pytest.approx(by_vectors[hit.key], abs=1e-4)
        assert hit.bm25 == pytest.approx(by_words.get(hit.key, 0.0), abs=1e-4)


def test_fusions(index):
    query = "coffee and the moon"
    ranks = [keys(index.search(query)), keys(index.search(query, by="words"))]
    for hit in index.search(query, by="hybrid", fusion="rrf"):
        expected = sum(1 / (61 + ranked.index(hit.key)) for ranked in ranks if hit.key in ranked)
        assert hit.score == pytest.approx(expected, abs=1e-6)
    reranked = index.search(query, by="hybrid", fusion="rerank")
    assert keys(reranked) == [key for key in ranks[0] if key in ranks[1]]
    both = index.search_many([query, "tea"], by="hybrid", fusion="convex", weight=0.5)
    assert keys(both[0]) == keys(index.search(query, by="hybrid", weight=0.5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "word"}, "by: expected 'vectors', 'words' or 'hybrid', got 'word'"),
        ({"by": 1}, "by: expected"),
        ({"weight": 0.5}, "by='hybrid'"),
        ({"fusion": "rrf", "by": "words"}, "by='hybrid'"),
        ({"by": "hybrid", "fusion": "sum"}, "fusion: expected"),
        ({"by": "hybrid", "fusion": "rrf", "weight": 0.5}, "weight: expected fusion='convex'"),
        ({"by": "hybrid", "weight": 1.5}, "at most 1"),
        ({"by": "hybrid", "weight": float("nan")}, "at most 1"),
    ],
)
def test_what_does_not_go_together_is_refused(index, options, message):
    with pytest.raises(colidx.OptionError, match=message):
        index.search("moon", **options)


def test_words_beside_vectors(index, encoder):
    query = "the moon and coffee"
    [array] = encoder.encode_queries([query])
    expected = index.search(query, by="hybrid", weight=0.4)
    for options in ({}, {"by": "hybrid"}):
        found = index.search_vectors(array, words=query, weight=0.4, **options)
        assert keys(found) == keys(expected)
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected])
    for options in ({"by": "hybrid"}, {"by": "words"}, {"by": "vectors", "words": "a"}):
        with pytest.raises(colidx.OptionError, match="by="):
            index.search_vectors(array, **options)
    with pytest.raises(colidx.OptionError):
        index.search_many([array], by="hybrid")


def test_highlights_and_snippets(index):
    for by in ("vectors", "words", "hybrid"):
        hit = index.search("moon", by=by, k=1)[0]
        lit = hit.highlights()
        words = {hit.text[word.start : word.end].lower(): word.weight for word in lit.text}
        assert words["moon"] > 0 and min(words.values()) > 0
        if by == "words":
            assert list(words) == ["moon"]
        assert "moon" in [hit.title[word.start : word.end] for word in lit.title]
        snippet = hit.snippet()
        assert snippet.text == hit.text[snippet.start : snippet.end] == hit.text
        short = hit.snippet(columns=12)
        assert 0 < len(short.text) <= 12 and hit.text[short.start : short.end] == short.text
        assert {word.start for word in short.words} <= {word.start for word in lit.text}
        if by == "words":
            assert [hit.text[word.start : word.end] for word in short.words] == ["moon"]


def test_highlights_are_counted_in_characters(encoder):
    text = "日本語 cafe\u0301 👩‍👩‍👧. The moon 日本 and the sun."
    index = colidx.build("wide.colidx", [{"key": "a", "text": text, "title": "é moon"}], encoder)
    for by in ("vectors", "words"):
        hit = index.search("moon", by=by)[0]
        lit = hit.highlights()
        assert "moon" in [text[word.start : word.end].strip() for word in lit.text]
        assert "moon" in ["é moon"[word.start : word.end].strip() for word in lit.title]


def test_a_hit_without_a_query_of_text_has_nothing_to_highlight(index, encoder):
    hit = index.search_vectors(encoder.encode_queries(["moon"])[0], k=1)[0]
    pickled = pickle.loads(pickle.dumps(index.search("moon", by="hybrid", k=1)[0]))
    for plain in (hit, pickled):
        assert plain.highlights() == ([], [])
        assert plain.snippet(9).text == plain.text[:9].rstrip() and plain.snippet().words == []
    assert pickled.bm25 is not None and pickled.maxsim is not None


def test_hits_stay_at_their_commit(index):
    hit = index.search("moon", k=1)[0]
    with index.writer() as w:
        w.update("moon", "Something else.")
    assert hit.snippet().text == TEXTS["moon"] and hit.highlights().text


def test_explain_by_words(index):
    matches = index.explain("the sun, a moon", "moon", by="words")
    assert [m.document_token for m in matches] == ["sun", "moon"]
    assert [CORPUS[2][m.part][m.start : m.end] for m in matches] == ["sun", "moon"]
    [hit] = index.search("the sun, a moon", by="words", keys=["moon"])
    assert sum(match.score for match in matches) == pytest.approx(hit.score, abs=1e-5)
    assert index.explain("coffee", "moon", by="words") == []
    with pytest.raises(colidx.KeyNotFoundError):
        index.explain("moon", "nowhere", by="words")
    with pytest.raises(colidx.OptionError, match="by"):
        index.explain("moon", "moon", by="hybrid")
    with pytest.raises(colidx.ArgumentError, match="query"):
        index.explain(np.ones((1, 16), "f4"), "moon", by="words")


def test_matrix(index):
    query = "the moon"
    matrix = index.matrix(query, "moon")
    assert matrix.similarities.shape == (len(matrix.query_tokens), len(matrix.document_tokens))
    [hit] = index.search(query, k=1)
    assert matrix.similarities.max(axis=1).sum() == pytest.approx(hit.score, abs=1e-4)
    row = matrix.similarities[matrix.query_tokens.index("moon")]
    assert matrix.document_tokens[int(row.argmax())] == "moon"
    with pytest.raises(colidx.KeyNotFoundError):
        index.matrix(query, "nowhere")
    with pytest.raises(colidx.ArgumentError):
        index.matrix(np.ones((1, 16), "f4"), "moon")


@pytest.fixture
def years(encoder):
    corpus = [
        {
            "key": str(n),
            "text": "the moon",
            "year": 2000 + n % 3,
            "lang": "de" if n % 2 else "en",
            "draft": n == 0,
            "share": n / 4,
            "author": {"name": f"n{n}"},
        }
        for n in range(10)
    ]
    return colidx.build("years.colidx", corpus, encoder)


FILTERS = [
    "year = 2001 AND lang = 'en'",
    ("year = ? AND lang = ?", [2001, "en"]),
    {
        "op": "and",
        "args": [
            {"op": "=", "field": "year", "value": 2001},
            {"op": "=", "field": "lang", "value": "en"},
        ],
    },
]


@pytest.mark.parametrize("given", FILTERS, ids=["text", "values", "dict"])
def test_filters(years, given, encoder):
    expected = ["4"]
    assert keys(years.search("moon", filter=given)) == expected
    assert keys(years.search("moon", by="words", filter=given)) == expected
    assert keys(years.search("moon", by="hybrid", filter=given)) == expected
    assert keys(years.search_vectors(encoder.encode_queries(["moon"])[0], filter=given)) == expected
    assert years.keys(filter=given) == expected
    assert years.facets("author.name", filter=given) == [("n4", 1)]
    assert keys(years.search("moon", filter=given, keys=["1", "2"])) == []


@pytest.mark.parametrize(
    "given",
    ["year = ", "nofield = 1", ("year = ?", []), {"op": "?"}, 5, ("a", "b", "c"),
     {"op": "=", "field": "year", "value": float("nan")}],
)  # fmt: skip
def test_wrong_filters(years, given):
    for ask in (
        lambda: years.search("moon", filter=given),
        lambda: years.keys(filter=given),
        lambda: years.facets("year", filter=given),
    ):
        with pytest.raises(colidx.OptionError):
            ask()


def test_facets_and_fields(years, index, vectors):
    assert years.facets("year") == [(2000, 4), (2001, 3), (2002, 3)]
    assert years.facets("year", 1) == [(2000, 4)]
    assert years.facets("draft") == [(False, 9), (True, 1)]
    assert years.facets("share", 2, filter="share >= 2") == [(2.0, 1), (2.25, 1)]
    assert years.facets("lang", filter=("draft = ?", [True])) == [("en", 1)]
    fields = {field.path: field for field in years.fields()}
    assert list(fields) == ["author.name", "draft", "lang", "share", "year"]
    assert fields["year"] == ("year", 10, 0, 10, 0, 0, 3)
    assert (fields["draft"].booleans, fields["lang"].strings, fields["lang"].distinct) == (
        10,
        10,
        2,
    )
    assert {field.path for field in index.fields()} == {"tags", "year"}
    assert vectors.fields() == []
    with pytest.raises(colidx.ArgumentError, match="field"):
        years.facets(5)


def test_rerank_by_keys(index):
    hits = index.rerank("the moon", ["tea", "moon", "nowhere"])
    assert keys(hits) == ["moon", "tea"]
    scores = {hit.key: hit.score for hit in index.search("the moon", exact=True)}
    assert [hit.score for hit in hits] == pytest.approx([scores["moon"], scores["tea"]], abs=1e-4)
    assert keys(index.rerank("the moon", ["tea", "moon"], 1)) == ["moon"]
    assert index.rerank("the moon", []) == []
    with pytest.raises(colidx.ArgumentError, match="keys"):
        index.rerank("moon", "tea")


def test_rerank_texts(encoder):
    texts = [document["text"] for document in CORPUS] + [""]
    scores = encoder.score("the moon", texts)
    [query] = encoder.encode_queries(["the moon"])
    documents = encoder.encode_documents(texts[:-1])
    assert scores[-1] is None
    assert scores[:-1] == pytest.approx([maxsim(query, d) for d in documents], abs=1e-4)
    ranked = encoder.rerank("the moon", texts)
    assert ranked[0].number == 2 and len(ranked) == 4
    assert [text.score for text in ranked] == sorted(scores[:-1], reverse=True)
    assert encoder.rerank("the moon", texts, 2) == ranked[:2]
    assert encoder.rerank("the moon", []) == []
    many = encoder.rerank("moon", ["the moon"] * 40)
    assert [text.number for text in many] == list(range(40))
    with pytest.raises(colidx.InputError):
        encoder.rerank("", ["a"])
    with pytest.raises(colidx.ArgumentError, match="texts"):
        encoder.rerank("moon", "a text")
    seen = []
    encoder.score("moon", ["tea"] * 40, progress=lambda *told: seen.append(told))
    assert seen[-1] == ("encode", 40, 40)


def test_the_checkpoint_is_shared(index):
    assert keys(index.search("moon", k=1)) == keys(colidx.open("docs.colidx", model=MODEL).search(
        "moon", k=1
    ))  # fmt: skip
