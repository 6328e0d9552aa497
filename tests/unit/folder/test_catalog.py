"""What an API server would do for EchoRoutes: versions, generations, uids, statuses, and rules that look back."""

from collections.abc import Mapping

import pytest
from echoroute.core.declared import Declared
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.engine.store import Store
from echoroute.errors import FolderError
from echoroute.folder.catalog import Catalog, wanted
from echoroute.folder.files import File

WEB, API = Key("default", "web"), Key("default", "api")


def one(key: Key, path: str = "/", annotations: Mapping[str, str] | None = None, **spec: object) -> Declared:
    body: JsonObject = {"match": {"paths": [path]}, **spec}  # type: ignore[dict-item]
    return Declared(key, body, annotations or {})


def take(catalog: Catalog, **files: File) -> tuple[dict[Key, Seen], set[Key]]:
    changed, gone = catalog.take(wanted(files))
    return {seen.key: seen for seen in changed}, gone


def generation(seen: Seen) -> int:
    assert seen.entry is not None
    return seen.entry.generation


def test_a_new_one_waits_for_the_operator() -> None:
    seen = take(Catalog("apisix"), a=File((one(WEB),)))[0][WEB]
    assert seen.entry is not None
    assert generation(seen) == 1
    assert b'"observedGeneration":-1' in seen.entry.status
    assert seen.entry.fault == ""


@pytest.mark.parametrize(
    ("after", "changes", "rises", "why"),
    [
        (File((one(WEB, "/"),)), False, False, "the same"),
        (File((one(WEB, "/new"),)), True, True, "another spec"),
        (File((one(WEB, "/", {"echoroute.dev/paused": "true"}),)), True, False, "annotations have no generation"),
        (File((one(WEB, "/"),), problem="is not YAML"), True, True, "not to be used: to be judged anew"),
        (File((one(WEB, "/"), one(WEB, "/"))), True, True, "twice in one file"),
    ],
)
def test_versions_and_generations(after: File, changes: bool, rises: bool, why: str) -> None:
    catalog = Catalog("apisix")
    before = take(catalog, a=File((one(WEB, "/"),)))[0][WEB]
    changed, gone = take(catalog, a=after)
    assert (WEB in changed, gone) == (changes, set()), why
    if changes:
        assert changed[WEB].version > before.version
        assert generation(changed[WEB]) == 1 + rises, why


def test_a_file_that_is_mended_to_what_it_was_is_a_generation_of_its_own() -> None:
    catalog = Catalog("apisix")
    for problem, expected in (("", 1), ("is not YAML", 2), ("", 3)):
        seen = take(catalog, a=File((one(WEB),), problem))[0][WEB]
        assert generation(seen) == expected
        assert seen.entry is not None
        assert seen.entry.fault == (f"a {problem}" if problem else "")


def test_a_name_in_two_files_is_at_fault_and_the_others_are_not() -> None:
    catalog = Catalog("apisix")
    changed, _ = take(catalog, b=File((one(WEB, "/b"), one(API))), a=File((one(WEB, "/a"),)))
    web, api = changed[WEB].entry, changed[API].entry
    assert web is not None
    assert api is not None
    assert (web.fault, api.fault) == ("stands more than once, in a, b; keep one", "")
    changed, _ = take(catalog, b=File((one(WEB, "/b"), one(API))))
    assert changed[WEB].entry is not None
    assert changed[WEB].entry.fault == ""


def test_one_that_comes_back_is_another_life() -> None:
    catalog = Catalog("apisix")
    first = take(catalog, a=File((one(WEB),)))[0][WEB]
    assert take(catalog) == ({}, {WEB})
    again = take(catalog, a=File((one(WEB),)))[0][WEB]
    assert first.entry is not None
    assert again.entry is not None
    assert first.entry.uid != again.entry.uid
    assert again.version > first.version


def test_the_gateway_class_is_immutable_as_the_crd_has_it() -> None:
    catalog = Catalog("apisix")
    take(catalog, a=File((one(WEB, "/"),)))
    seen = take(catalog, a=File((one(WEB, "/new", gatewayClass="other"),)))[0][WEB]
    assert seen.entry is not None
    assert seen.entry.fault.startswith("spec.gatewayClass: is immutable")
    assert b"/new" not in seen.entry.spec
    assert take(catalog, a=File((one(WEB, "/new", gatewayClass="other"),))) == ({}, set()), "it is said once"
    seen = take(catalog, a=File((one(WEB, "/new", gatewayClass="apisix"),)))[0][WEB]
    assert seen.entry is not None
    assert seen.entry.fault == "", "the default, written out"


def test_another_gateway_class_is_not_ours() -> None:
    assert take(Catalog("apisix"), a=File((one(WEB, gatewayClass="other"),)))[0][WEB].entry is None


def test_a_status_is_merged_and_is_no_new_generation() -> None:
    catalog = Catalog("apisix")
    before = take(catalog, a=File((one(WEB),)))[0][WEB]
    assert before.entry is not None
    catalog.patch_status(WEB, before.entry.uid, {"routeId": "r", "observedGeneration": 1})
    after = catalog.patch_status(WEB, before.entry.uid, {"conditions": None, "observedGeneration": 2})
    assert after.entry is not None
    assert after.entry.status == b'{"observedGeneration":2,"routeId":"r"}'
    assert (generation(after), after.version > before.version) == (1, True)
    assert catalog.read(WEB) == after


def test_the_status_of_another_life_is_refused() -> None:
    catalog = Catalog("apisix")
    take(catalog, a=File((one(WEB),)))
    for key, uid in ((WEB, "other"), (API, "other")):
        with pytest.raises(FolderError, match="is gone") as caught:
            catalog.patch_status(key, uid, {})
        assert caught.value.status == 404


def test_lists_feed_the_engines_store() -> None:
    """Its rules are about versions: what is new is newer than each list before, and a list removes what is gone."""
    catalog, store = Catalog("apisix"), Store()

    def transitions() -> set[Key]:
        listing = catalog.listing()
        return {change.key for change in store.offer_list(listing.versions, listing.objects, listing.version)}

    take(catalog, a=File((one(WEB),)))
    assert transitions() == {WEB}
    assert transitions() == set()
    [seen] = take(catalog, a=File((one(WEB), one(API))))[0].values()
    assert store.offer(seen) is not None
    take(catalog, a=File((one(API),)))
    assert transitions() == {WEB}
    [seen] = take(catalog, a=File((one(API), one(WEB))))[0].values()
    assert store.offer(seen) is not None, "back again, and not taken for an old event"
