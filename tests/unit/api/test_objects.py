"""The envelope of an EchoRoute, durations, and manifests."""

import re

import pytest
from echoroute.api import EchoRouteObject
from echoroute.api.durations import MAX_LENGTH, PATTERN, milliseconds, seconds
from echoroute.api.manifests import InvalidManifest, echo_routes
from hypothesis import given
from hypothesis import strategies as st


def test_reads_an_object_of_the_api_server():
    found = EchoRouteObject.from_raw(
        {
            "apiVersion": "echoroute.dev/v1alpha1",
            "kind": "EchoRoute",
            "metadata": {
                "name": "echo",
                "namespace": "default",
                "uid": "u1",
                "generation": 3,
                "resourceVersion": "218",
                "creationTimestamp": "2026-11-24T08:05:28Z",
                "annotations": {
                    "echoroute.dev/paused": "true",
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                    "example.com/theirs": "no affair of ours",
                },
            },
            "spec": {"match": {"paths": ["/a"]}},
            "status": {"observedGeneration": -1},
        }
    )
    assert found == EchoRouteObject(
        namespace="default",
        name="echo",
        uid="u1",
        generation=3,
        resource_version=218,
        creation_timestamp="2026-11-24T08:05:28Z",
        deletion_timestamp="",
        annotations={"echoroute.dev/paused": "true", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        spec={"match": {"paths": ["/a"]}},
        status={"observedGeneration": -1},
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
_metadata = ["name", "namespace", "uid", "generation", "resourceVersion", "creationTimestamp", "annotations"]


@given(
    st.dictionaries(
        st.sampled_from(["metadata", "spec", "status"]), _json | st.dictionaries(st.sampled_from(_metadata), _json)
    )
)
def test_reads_anything(raw):
    found = EchoRouteObject.from_raw(raw)
    assert isinstance(found.resource_version, int)
    assert isinstance(found.namespace, str)


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        ("6s", 6),
        ("500ms", 0.5),
        ("1m30s", 90),
        ("1h", 3600),
        ("0s", 0),
        ("1ms", 0.001),
        ("1s1s", 2),
        ("24h0m0s0ms", 86400),
    ],
)
def test_durations(duration, length):
    assert seconds(duration) == length
    assert isinstance(seconds(duration), type(length))


@given(st.from_regex(PATTERN, fullmatch=True))
def test_a_duration_of_the_pattern_has_a_length(duration):
    assert len(duration) <= MAX_LENGTH
    assert re.fullmatch(PATTERN, duration)
    assert milliseconds(duration) == round(seconds(duration) * 1000)


_ROUTE = "{apiVersion: echoroute.dev/v1alpha1, kind: EchoRoute, metadata: {name: %s}}"


@pytest.mark.parametrize(
    ("why", "text", "names"),
    [
        ("one", _ROUTE % "a", ["a"]),
        ("several documents", f"---\n{_ROUTE % 'a'}\n---\n---\n{_ROUTE % 'b'}\n", ["a", "b"]),
        ("a List, as kubectl gives", f"{{kind: List, items: [{_ROUTE % 'a'}, {_ROUTE % 'b'}]}}", ["a", "b"]),
        ("other kinds are passed over", f"{{kind: Service, apiVersion: v1}}\n---\n{_ROUTE % 'a'}", ["a"]),
        ("another group's EchoRoute too", "{kind: EchoRoute, apiVersion: example.com/v1}", []),
        ("JSON", '{"kind": "EchoRoute", "apiVersion": "echoroute.dev/v1alpha1", "metadata": {"name": "a"}}', ["a"]),
        ("a date stays a string", _ROUTE % "2024-01-01", ["2024-01-01"]),
        ("two escapes that are one character", f'a: "\\ud83d\\ude00"\n---\n{_ROUTE % "a"}', ["a"]),
        ("nothing", "", []),
    ],
)  # fmt: skip
def test_reads_manifests(why, text, names):
    assert [route["metadata"]["name"] for route in echo_routes(text)] == names, why


@pytest.mark.parametrize(
    ("why", "text", "says"),
    [
        ("broken YAML", "a: [", "is not YAML"),
        ("a key that stands twice: the first would be lost", "a: {b: 1, b: 2}", "'b' stands twice"),
        ("a tag that makes a Python object", "!!python/object/apply:os.system [id]", "is not YAML"),
        ("a version that is not known", "{kind: EchoRoute, apiVersion: echoroute.dev/v9}", "echoroute.dev/v9"),
        ("a list at the top", "- a", "not a Kubernetes object"),
        ("a key that is no string", "{1: a}", "JSON does not have"),
        ("bytes", "{a: !!binary aGk=}", "JSON does not have"),
        ("no number of JSON", "{a: .nan}", "JSON does not have"),
        ("a key that is a list", "? [a]\n: b", "found unhashable key (line 1, column 3)"),
        ("a number without digits", "a: 0x_", "not what it is marked as, or not valid Unicode (line 1, column 4)"),
        ("more digits than Python reads", f"a: {'9' * 5000}", "not what it is marked as"),
        ("a word that is marked as a number", "a: !!int word", "not what it is marked as"),
        ("a number that is empty", "a: !!int ''", "not what it is marked as"),
        ("a word that is marked as a truth value", "a: !!bool word", "not what it is marked as"),
        ("a word that is marked as a time", "a: !!timestamp word", "not what it is marked as"),
        ("half of a character", '{a: "\\ud83d"}', "not valid Unicode"),
        ("no character", '{a: "\\U00110000"}', "an escape that is no character"),
        ("too large for a character", '{a: "\\Uffffffff"}', "an escape that is no character"),
        ("deep nesting", "[" * 100_000, "is nested too deeply"),
    ],
)  # fmt: skip
def test_refuses_manifests(why, text, says):
    with pytest.raises(InvalidManifest, match=re.escape(says)):
        list(echo_routes(text))


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("no end of a quoted text", 'key: "s3cret'),
        ("a colon too many", "key: a: s3cret"),
        ("beside a key that stands twice", "{a: s3cret, a: 1}"),
        ("taken for an alias", "key: *s3cret"),
        ("taken for a tag", "key: !s3cret"),
        ("taken for a tag, with an apostrophe", "key: !s3cret'"),
        ("marked as a number", "key: !!int s3cret"),
        ("indentation", "a:\n  b: s3cret\n c: s3cret"),
    ],
)
def test_shows_nothing_that_may_be_a_secret(why: str, text: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        list(echo_routes(text))
    assert "s3cret" not in str(caught.value), why
    assert "line" in str(caught.value), "where to look"
