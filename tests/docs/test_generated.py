"""The generated parts of the documents are what the code says, and cover all of it."""

import re

import echoroute.run.app
import pytest
import yaml
from echoroute.core.reasons import Reason
from echoroute.reference.documents import DOCUMENTS, filled
from prometheus_client import REGISTRY

from .pages import DOCS, ROOT

assert echoroute.run.app  # its import brings the metrics of all packages


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_are_what_the_models_say(document):
    text = (DOCS / document).read_text(encoding="utf-8")
    assert filled(text, document) == text, "run: python -m echoroute.reference"


@pytest.mark.parametrize(("document", "marker"), [("echoroute.md", "fields"), ("reference/settings.md", "settings")])
def test_a_document_names_the_marker_it_misses(document, marker):
    with pytest.raises(ValueError, match=f"{document}.*generated: {marker}"):
        filled("# nothing here\n", document)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_says_what_it_means_and_what_to_do(reason):
    for sentence in (reason.meaning, reason.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert f"| `{reason}` |" in (DOCS / "reference/reasons.md").read_text(encoding="utf-8")


def test_each_metric_that_the_code_counts_is_in_the_table():
    text = (DOCS / "reference/metrics.md").read_text(encoding="utf-8")
    told = _metrics(text)
    counted = {family.name for family in REGISTRY.collect() if family.name.startswith("echoroute_")}
    assert len(counted) >= 20
    assert counted <= {name.removesuffix("_total").removesuffix("_info") for name in told}
    # What is collected only while an operator runs.
    assert {"echoroute_routes", "echoroute_queue_depth", "echoroute_gateway_up"} <= told


def test_each_alert_is_in_the_table_as_the_rules_have_it():
    rules = yaml.safe_load((ROOT / "manifests/components/monitoring/rules.yaml").read_text(encoding="utf-8"))
    alerts = {
        rule["alert"]: (rule["for"], rule["labels"]["severity"], frozenset(_names(rule["expr"])))
        for group in rules["spec"]["groups"]
        for rule in group["rules"]
    }
    text = (DOCS / "reference/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(EchoRoute\w+)` \| ([^|]+) \| (\w+) \| (\w+) \| .+ \| .+ \|$", text, re.MULTILINE)
    assert {name: (wait, severity, frozenset(_names(when))) for name, when, wait, severity in rows} == alerts


def _names(text):
    """The metrics in an expression or a sentence."""
    return re.findall(r"echoroute_[a-z_]+", text)


def _metrics(text):
    return set(re.findall(r"^\| `(echoroute_[a-z_]+)", text, re.MULTILINE))
