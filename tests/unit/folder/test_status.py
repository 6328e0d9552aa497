"""The page and the command that shows it."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from echoroute.api.status import pending_status
from echoroute.cli.main import main
from echoroute.core.declared import Declared
from echoroute.core.objects import JsonObject, Key
from echoroute.folder.catalog import Catalog, wanted
from echoroute.folder.files import File
from echoroute.folder.page import Page, page
from echoroute.folder.table import notes, table

KEY = Key("shop", "cart")


def made(spec: JsonObject, status: JsonObject | None = None, *, error: str = "", problem: str = "") -> Page:
    catalog = Catalog("apisix")
    files = {"a.yaml": File((Declared(KEY, spec),), problem)}
    [seen], _ = catalog.take(wanted(files))
    assert seen.entry is not None
    if status is not None:
        catalog.patch_status(KEY, seen.entry.uid, status)
    return page(Path("/routes"), files, catalog.items(), error=error)


def test_nothing_that_can_hold_a_secret_is_on_the_page() -> None:
    spec: JsonObject = {
        "match": {"paths": ["/cart"], "vars": ["s3cret"]},
        "backends": [{"service": "cart", "other": "s3cret"}, "s3cret"],
        "plugins": {"key-auth": {"key": "s3cret"}},
        "rewrite": {"headers": {"set": {"X-Key": "s3cret"}}},
    }
    text = made(spec).model_dump_json(by_alias=True, exclude_none=True)
    assert "s3cret" not in text
    assert json.loads(text)["items"][0]["spec"] == {
        "match": {"paths": ["/cart"]},
        "backends": [{"service": "cart"}, {}],
    }


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, "empty"),
        ({"match": "all", "backends": "echo"}, "of the wrong types"),
        ({"match": {"paths": "/cart", "hosts": 3}, "backends": [3, {"service": ["x"]}]}, "deeper down"),
        ({"match": {"paths": [{"a": "b"}]}}, "in a list"),
    ],
)
def test_any_spec_has_a_line(spec: JsonObject, why: str) -> None:
    """Invalid ones are listed, too: that is what the reason is for."""
    assert table(made(spec), wide=True).splitlines()[1].startswith("shop        cart"), why


def test_the_table() -> None:
    spec: JsonObject = {"match": {"paths": ["/a", "/b/*"], "hosts": ["x.org"]}, "backends": [{"service": "cart"}]}
    ready: JsonObject = {
        "type": "Ready", "status": "False", "reason": "NoHealthyInstances", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    status: JsonObject = {
        "conditions": [ready],
        "routeId": "r",
        "services": "cart",
        "instances": {"healthy": 0, "total": 2},
    }
    assert table(made(spec, status), wide=True).splitlines() == [
        "NAMESPACE   NAME   PATHS     SERVICE   READY   HEALTHY   REASON               HOSTS   ROUTE-ID",
        "shop        cart   /a,/b/*   cart      False   0         NoHealthyInstances   x.org   r",
    ]
    assert table(made(spec), wide=False).splitlines()[1].split() == [
        "shop", "cart", "/a,/b/*", "Unknown", "Pending",
    ]  # fmt: skip


def test_what_stands_beside_the_table() -> None:
    found = made({}, error="the folder /routes cannot be read: gone", problem="is not YAML: x")
    told = list(notes(found.model_copy(update={"deletions_held": "12 gateway objects"})))
    assert told == [
        "the folder /routes cannot be read: gone; its routes stay as they are",
        "a.yaml is not YAML: x; its previous routes stay, and no route is removed meanwhile",
        "12 gateway objects",
    ]


def test_a_pending_status_is_one_that_the_page_can_show() -> None:
    [item] = made({}).items
    assert item.status.observed_generation == pending_status()["observedGeneration"]


async def _run(answer: web.Response, *arguments: str, env: bool = False) -> tuple[int, str, str]:
    async def handler(_: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_get("/echoroutes", handler)
    async with TestServer(app) as server:
        where = {"ECHOROUTE_BIND": f":{server.port}"} if env else {}
        options = () if env else ("--server", f"http://127.0.0.1:{server.port}/")
        done = await asyncio.to_thread(CliRunner().invoke, main, ["status", *options, *arguments], env=where)
    return done.exit_code, done.stdout, done.stderr


async def test_the_command_reads_the_page_where_the_operator_listens() -> None:
    text = made({}, problem="is not YAML: x").model_dump_json(by_alias=True, exclude_none=True)
    code, out, err = await _run(web.Response(text=text), "-o", "json", env=True)
    assert (code, json.loads(out)) == (0, json.loads(text))
    assert "a.yaml is not YAML" in err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.Response(status=404), "this operator is not in file mode"),
        (web.Response(text="hello"), "that is not the operator's page"),
        (web.Response(text="{}"), "that is not the operator's page"),
        (web.Response(status=500), "500"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_another_answer_is_told(answer: web.Response, says: str) -> None:
    code, out, err = await _run(answer)
    assert (code, out) == (1, "")
    assert says in err


def test_an_address_that_is_none_is_told() -> None:
    done = CliRunner().invoke(main, ["status"], env={"ECHOROUTE_BIND": "here"})
    assert (done.exit_code, done.stdout) == (1, "")
    assert "ECHOROUTE_BIND: 'here' is not HOST:PORT" in done.stderr


def test_nobody_there_is_told() -> None:
    done = CliRunner().invoke(main, ["status"], env={"ECHOROUTE_BIND": "127.0.0.1:1"})
    assert done.exit_code == 1
    assert "http://127.0.0.1:1/echoroutes" in done.stderr
    assert "ECHOROUTE_BIND says where the operator listens" in done.stderr
