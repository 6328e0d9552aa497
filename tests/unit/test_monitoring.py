"""Alerts and dashboard ask for what the operator tells: metrics and labels that docs/reference/metrics.md has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_COMPONENT = _ROOT / "manifests/components/monitoring"
# What Prometheus adds: where it was scraped, and the bounds of a histogram.
_SCRAPED = {"namespace", "pod", "le"}


def _told() -> dict[str, set[str]]:
    """Each metric with its labels; tests of the operator fail where the document lacks one."""
    rows = re.findall(
        r"^\| `(echoroute_\w+)(?:\{([\w,]+)\})?` \| (\w+)",
        (_ROOT / "docs/reference/metrics.md").read_text(),
        re.MULTILINE,
    )
    found: dict[str, set[str]] = {}
    for name, labels, kind in rows:
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + suffix] = set(filter(None, labels.split(",")))
    return found


def _rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((_COMPONENT / "rules.yaml").read_text())["spec"]["groups"]
    return list(group["rules"])


def _dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_COMPONENT / "dashboard.json").read_text())
    return found


def _expressions() -> list[tuple[str, str]]:
    panels = [(panel["title"], target["expr"]) for panel in _dashboard()["panels"] for target in panel["targets"]]
    return [(rule["alert"], rule["expr"]) for rule in _rules()] + panels


@pytest.mark.parametrize(("where", "expression"), _expressions())
def test_it_asks_for_what_the_operator_tells(where: str, expression: str) -> None:
    told = _told()
    asked = set(re.findall(r"echoroute_\w+", expression))
    assert asked, where
    assert asked <= told.keys(), where
    labels = set().union(*(told[name] for name in asked)) | _SCRAPED
    by = {name for group in re.findall(r"by \(([\w, ]+)\)", expression) for name in group.split(", ")}
    matched = set(re.findall(r"(\w+)(?:=~|!=|=)\"", expression))
    assert by | matched <= labels, where


def test_what_an_alert_says_names_labels_that_its_expression_keeps() -> None:
    for rule in _rules():
        said = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        by = re.findall(r"by \(([\w, ]+)\)", rule["expr"])
        kept = set(by[0].split(", ")) if by else _SCRAPED
        assert said <= kept, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
