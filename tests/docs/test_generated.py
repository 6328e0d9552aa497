"""The generated parts of the documents are what the code says, and cover all of it."""

import re

import echoroute.run.app
import pytest
from echoroute.core.reasons import Reason
from echoroute.reference.documents import DOCUMENTS, filled
from prometheus_client import REGISTRY

from .pages import DOCS

assert echoroute.run.app  # its import brings the metrics of all packages


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_are_what_the_models_say(document):
    text = (DOCS / document).read_text(encoding="utf-8")
    assert filled(text, document) == text, "run: python -m echoroute.reference"


@pytest.mark.parametrize(("document", "marker"), [("echoroute.md", "fields"), ("operations.md", "settings")])
def test_a_document_names_the_marker_it_misses(document, marker):
    with pytest.raises(ValueError, match=f"{document}.*generated: {marker}"):
        filled("# nothing here\n", document)


@pytest.mark.parametrize("reason", Reason)
def test_operations_says_what_to_do_about_each_reason(reason):
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert f"| `{reason}` |" in text


def test_each_metric_that_the_code_counts_is_in_the_table():
    text = (DOCS / "reference/metrics.md").read_text(encoding="utf-8")
    told = _metrics(text)
    counted = {family.name for family in REGISTRY.collect() if family.name.startswith("echoroute_")}
    assert len(counted) >= 20
    assert counted <= {name.removesuffix("_total").removesuffix("_info") for name in told}
    # What is collected only while an operator runs.
    assert {"echoroute_routes", "echoroute_queue_depth", "echoroute_gateway_up"} <= told


def test_operations_has_all_metrics_and_no_others():
    text, table = ((DOCS / name).read_text(encoding="utf-8") for name in ("operations.md", "reference/metrics.md"))
    assert _metrics(text) == _metrics(table)


def _metrics(text):
    return set(re.findall(r"^\| `(echoroute_[a-z_]+)", text, re.MULTILINE))
