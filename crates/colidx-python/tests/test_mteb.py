"""MTEB's wrapper of PyLate runs on colidx unchanged."""

import pytest
from colidx import pylate
from conftest import CORPUS

JUDGED = {"memory": "rust", "coffee": "tea", "sun": "moon", "protein": "cell"}


@pytest.fixture
def task():
    """A retrieval task over `CORPUS`, which MTEB would otherwise download."""
    pytest.importorskip("pylate")
    pytest.importorskip("mteb")
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    unknown = (
        "reference date domains task_subtypes license annotations_creators dialect"
        " sample_creation bibtex_citation"
    )

    class Words(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="Words",
            description="Words and the documents that they stand in",
            dataset={"path": "none/none", "revision": "1"},
            type="Retrieval",
            category="t2t",
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
            **dict.fromkeys(unknown.split()),
        )

        def load_data(self, **_):
            corpus = [{"id": d["_id"], "text": d["text"]} for d in CORPUS]
            split = {
                "corpus": Dataset.from_list(corpus),
                "queries": Dataset.from_list([{"id": q, "text": q} for q in JUDGED]),
                "relevant_docs": {q: {key: 1} for q, key in JUDGED.items()},
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": split}}
            self.data_loaded = True

    return Words()


def test_mteb_evaluates_on_colidx(task, encoder, folder):
    import mteb
    from mteb.models.model_implementations.pylate_models import PylateSearchEncoder
    from mteb.models.model_meta import ModelMeta
    from mteb.types import PromptType

    class Model(PylateSearchEncoder):
        base_index_dir = folder
        mteb_model_meta = ModelMeta.create_empty({"name": "colidx/tiny", "revision": "1"})

        def _encode(self, inputs, *, prompt_type, **_):
            texts = [text for batch in inputs for text in batch["text"]]
            if prompt_type == PromptType.query:
                return encoder.encode_queries(texts)
            return encoder.encode_documents(texts)

    with pylate.in_place_of_plaid():
        result = mteb.evaluate(Model(), task, cache=None).task_results[0]
    scores = result.scores["test"][0]
    assert scores["recall_at_10"] == 1.0
    (index,) = folder.glob("mteb-index-*/*")
    assert len(pylate.Index(str(index.parent), index.name)) == len(CORPUS)
