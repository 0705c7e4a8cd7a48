"""Retrievers of other frameworks, where those are installed."""

import asyncio
import inspect

import colidx
import pytest
from conftest import CORPUS, MODEL

pytestmark = pytest.mark.filterwarnings("default")


def test_langchain(index, encoder):
    pytest.importorskip("langchain_core")
    from colidx.langchain import ColidxReranker, ColidxRetriever

    retriever = ColidxRetriever(index=index, k=2)
    found = retriever.invoke("the moon and the sun")
    assert len(found) == 2 and found[0].id == "moon"
    assert found[0].page_content == CORPUS[2]["text"]
    assert found[0].metadata["tags"] == ["sky"] and found[0].metadata["title"] == "The moon"
    assert found[0].metadata["relevance_score"] > found[1].metadata["relevance_score"]
    assert len(retriever.invoke("moon", k=1)) == 1
    assert len(asyncio.run(retriever.ainvoke("moon", k=3))) == 3
    assert {d.id for d in retriever.invoke("moon", keys=["tea"])} == {"tea"}
    assert ColidxRetriever(index=index, search_kwargs={"exact": True}).invoke("moon")
    reranked = ColidxReranker(encoder=encoder, top_n=2).compress_documents(found[::-1], "moon")
    scores = [document.metadata["relevance_score"] for document in reranked]
    assert len(reranked) == 2 and scores[0] >= scores[1]
    assert ColidxReranker(encoder=encoder).compress_documents([], "moon") == []


def test_langchain_by_its_own_tests(index, request):
    pytest.importorskip("langchain_tests")
    from colidx.langchain import ColidxRetriever
    from langchain_tests.integration_tests import RetrieversIntegrationTests

    class Tests(RetrieversIntegrationTests):
        retriever_constructor = ColidxRetriever
        retriever_constructor_params = {"index": index}
        retriever_query_example = "the moon"

    tests = Tests()
    names = [name for name in dir(tests) if name.startswith("test_")]
    assert names
    for name in names:
        test = getattr(tests, name)
        retriever = ColidxRetriever(index=index)
        result = test(retriever) if "retriever" in test.__code__.co_varnames[:2] else test()
        if asyncio.iscoroutine(result):
            asyncio.run(result)


def test_llama_index(index):
    pytest.importorskip("llama_index.core")
    from colidx.llama_index import ColidxRetriever
    from llama_index.core.schema import QueryBundle

    retriever = ColidxRetriever(index)
    found = retriever.retrieve("the moon and the sun")
    assert len(found) == 2 and found[0].node.node_id == "moon"
    assert found[0].node.get_content() == CORPUS[2]["text"]
    assert found[0].node.metadata["tags"] == ["sky"]
    assert found[0].score > found[1].score
    more = ColidxRetriever(index, similarity_top_k=3, search_kwargs={"exact": True})
    assert len(more.retrieve(QueryBundle("moon"))) == 3
    assert len(asyncio.run(more.aretrieve("moon"))) == 3


def test_haystack(index):
    pytest.importorskip("haystack")
    from colidx.haystack import ColidxRetriever
    from haystack import Pipeline

    retriever = ColidxRetriever(str(index.path), top_k=2)
    found = retriever.run(query="the moon and the sun")["documents"]
    assert len(found) == 2 and found[0].id == "moon"
    assert found[0].content == CORPUS[2]["text"] and found[0].meta["tags"] == ["sky"]
    assert found[0].score > found[1].score
    assert len(retriever.run(query="moon", top_k=1)["documents"]) == 1
    again = ColidxRetriever.from_dict(retriever.to_dict())
    assert again.to_dict() == retriever.to_dict()
    pipeline = Pipeline()
    pipeline.add_component("retriever", ColidxRetriever("docs.colidx", top_k=3))
    # Newer versions load what lies outside of their own packages only when they are told to.
    trusts = "allowed_modules" in inspect.signature(Pipeline.loads).parameters
    trusted = {"allowed_modules": ["colidx.haystack"]} if trusts else {}
    pipeline = Pipeline.loads(pipeline.dumps(), **trusted)
    assert len(pipeline.run({"retriever": {"query": "moon"}})["retriever"]["documents"]) == 3


@pytest.fixture
def years(encoder):
    corpus = [
        {
            "key": str(n),
            "text": "the moon",
            "year": 2000 + n,
            "tags": ["a", "b"] if n % 2 else ["a"],
        }
        for n in range(6)
    ]
    return colidx.build("years.colidx", [*corpus, ("6", "the moon")], encoder)


def haystack_filter(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


HAYSTACK = [
    (haystack_filter("meta.year", "==", 2001), "1"),
    (haystack_filter("year", "!=", 2001), "023456"),
    (haystack_filter("meta.year", ">", 2003), "45"),
    (haystack_filter("meta.year", ">=", 2003), "345"),
    (haystack_filter("meta.year", "<", 2001), "0"),
    (haystack_filter("meta.year", "<=", 2001), "01"),
    (haystack_filter("meta.year", "in", [2001, 2002]), "12"),
    (haystack_filter("meta.year", "not in", [2001, 2002]), "03456"),
    (haystack_filter("meta.year", "==", None), "6"),
    (haystack_filter("meta.year", "!=", None), "012345"),
    (
        {
            "operator": "AND",
            "conditions": [
                haystack_filter("meta.year", ">", 2001),
                {
                    "operator": "OR",
                    "conditions": [
                        haystack_filter("meta.year", "==", 2002),
                        haystack_filter("meta.year", "==", 2005),
                    ],
                },
            ],
        },
        "25",
    ),
    ({"operator": "NOT", "conditions": [haystack_filter("meta.year", ">", 2001)]}, "016"),
]


def test_haystack_filters(years):
    pytest.importorskip("haystack")
    from colidx.haystack import ColidxRetriever
    from haystack import Document
    from haystack.utils.filters import document_matches_filter

    retriever = ColidxRetriever("years.colidx", top_k=10)
    documents = [Document(id=key, meta=years[key].metadata) for key in years]
    for filters, expected in HAYSTACK:
        found = retriever.run(query="moon", filters=filters)["documents"]
        assert "".join(sorted(document.id for document in found)) == expected, filters
        # What Haystack itself makes of them.
        same = [one.id for one in documents if document_matches_filter(filters, one)]
        assert "".join(sorted(same)) == expected, filters
    for wrong in ({"field": "year"}, haystack_filter("year", "=", 1), {"operator": "XOR"}):
        with pytest.raises(colidx.OptionError, match="filter"):
            retriever.run(query="moon", filters=wrong)


def test_haystack_ranker(index):
    pytest.importorskip("haystack")
    from colidx.haystack import ColidxRanker, ColidxRetriever
    from haystack import Pipeline

    pipeline = Pipeline()
    pipeline.add_component("retriever", ColidxRetriever("docs.colidx", top_k=4))
    pipeline.add_component("ranker", ColidxRanker(str(MODEL), top_k=2))
    pipeline.connect("retriever.documents", "ranker.documents")
    asked = {"retriever": {"query": "coffee"}, "ranker": {"query": "the moon"}}
    found = pipeline.run(asked)["ranker"]["documents"]
    assert [document.id for document in found][0] == "moon" and len(found) == 2
    assert found[0].score >= found[1].score and found[0].meta["tags"] == ["sky"]
    ranker = ColidxRanker(str(MODEL), encoder_kwargs={"query_length": 9})
    again = ColidxRanker.from_dict(ranker.to_dict())
    assert again.to_dict() == ranker.to_dict()
    assert again.run(query="moon", documents=[])["documents"] == []


def test_llama_index_filters(years):
    pytest.importorskip("llama_index.core")
    from colidx.llama_index import ColidxRetriever
    from llama_index.core.vector_stores import FilterCondition, MetadataFilter, MetadataFilters

    def found(*filters, condition=FilterCondition.AND):
        filters = [MetadataFilter(key=k, operator=op, value=v) for k, op, v in filters]
        filters = MetadataFilters(filters=filters, condition=condition)
        retriever = ColidxRetriever(years, similarity_top_k=10, filters=filters)
        return "".join(sorted(one.node.node_id for one in retriever.retrieve("moon")))

    assert found(("year", "==", 2001)) == "1"
    assert found(("year", "!=", 2001)) == "023456"
    assert found(("year", ">", 2001), ("year", "<=", 2003)) == "23"
    either = [("year", "<", 2001), ("year", ">=", 2005)]
    assert found(*either, condition=FilterCondition.OR) == "05"
    assert found(*either, condition=FilterCondition.NOT) == "12346"
    assert found(("year", "in", [2001, 2002])) == "12"
    assert found(("year", "nin", [2001, 2002])) == "03456"
    assert found(("tags", "any", ["b", "c"])) == "135" == found(("tags", "all", ["a", "b"]))
    assert found(("tags", "contains", "b")) == "135"
    assert found(("tags", "text_match", "b")) == "135"
    assert found(("tags", "text_match", "%")) == ""
    assert found(("year", "is_empty", None)) == "6"
    with pytest.raises(colidx.OptionError, match="operator"):
        found(("tags", "text_match_insensitive", "B"))


def test_llama_index_reranker(index, encoder):
    pytest.importorskip("llama_index.core")
    from colidx.llama_index import ColidxReranker, ColidxRetriever

    nodes = ColidxRetriever(index, similarity_top_k=4).retrieve("coffee")
    reranker = ColidxReranker(encoder, top_n=2)
    found = reranker.postprocess_nodes(nodes, query_str="the moon")
    assert found[0].node.node_id == "moon" and len(found) == 2
    assert found[0].score >= found[1].score
    assert reranker.postprocess_nodes([], query_str="moon") == []
    assert len(asyncio.run(reranker.apostprocess_nodes(nodes, query_str="moon"))) == 2
    with pytest.raises(colidx.ArgumentError, match="query_bundle"):
        reranker.postprocess_nodes(nodes)
