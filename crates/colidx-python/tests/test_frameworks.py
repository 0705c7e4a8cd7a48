"""Retrievers of other frameworks, where those are installed."""

import asyncio
import inspect

import colidx
import pytest
from conftest import CORPUS

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


def test_filters_are_refused_until_searches_take_them(index):
    pytest.importorskip("haystack")
    from colidx.haystack import ColidxRetriever

    retriever = ColidxRetriever("docs.colidx")
    with pytest.raises(colidx.Error, match="filter"):
        retriever.run(query="moon", filters={"field": "meta.year", "operator": "==", "value": 1})
