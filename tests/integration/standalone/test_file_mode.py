"""`echoroute run --from DIR`: the same engine, fed from files, with real processes at all ends."""

import json
import re
import time

import httpx
from devstack.product import start_echo
from devstack.stack import Stack

from .world import World, route, until

_QUIET = 3.0
"""Seconds that are long enough for a change to be seen and acted on, where nothing is to happen."""


def test_the_articles_route_is_ready_and_answered(world: World, stack_without_kubernetes: Stack) -> None:
    rewrite = {"regex": {"pattern": "^/testecho/(.*)", "replacement": "/$1"}}
    world.write("echo.yaml", route("echo", "/testecho/*", "echo", rewrite=rewrite))
    world.start()
    until(lambda: world.reason("echo") == "ServiceNotFound")
    echo = start_echo(stack_without_kubernetes, 1)
    until(lambda: world.reason("echo") == "Ready")
    assert world.gateway.wait_for("/testecho/hello", 200).json()["version"] == 1
    echo.stop()


def test_several_documents_and_files_and_the_table(world: World) -> None:
    world.write("a.yaml", route("one"), route("two").replace("name: two", "name: two\n  namespace: shop"))
    world.write("b.yml", route("three", "/three/*"), "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: other}\n")
    world.write("notes.txt", route("no"))
    world.start()
    until(lambda: world.served() == {"one": "/one", "two": "/two", "three": "/three/*"})
    table = world.echoroute_status()
    assert (table.returncode, table.stderr) == (0, "")
    lines = [re.split(r"\s{3,}", line) for line in table.stdout.splitlines()]
    assert lines[0] == ["NAMESPACE", "NAME", "PATHS", "SERVICE", "READY", "HEALTHY", "REASON"]
    assert [line[:4] for line in lines[1:]] == [
        ["default", "one", "/one", "web"],
        ["default", "three", "/three/*", "web"],
        ["shop", "two", "/two", "web"],
    ]
    listed = json.loads(world.echoroute_status("-o", "json").stdout)
    assert listed == world.page()
    assert [item["kind"] for item in listed["items"]] == ["EchoRoute"] * 3
    assert f"{world.owner}.shop.two" in world.echoroute_status("-o", "wide").stdout


def test_a_changed_spec_is_a_new_generation_and_the_status_follows(world: World) -> None:
    world.write("a.yaml", route("web", "/one"))
    world.start()
    until(lambda: world.served() == {"web": "/one"})
    until(lambda: world.conditions("web"))
    world.write("a.yaml", route("web", "/two"))
    until(lambda: world.served() == {"web": "/two"})
    until(lambda: world.conditions("web").get("Programmed", ("",))[0] == "True")
    [item] = world.page()["items"]
    assert (item["metadata"]["generation"], item["status"]["programmedGeneration"]) == (2, 2)


def test_after_a_restart_nothing_is_rewritten(world: World) -> None:
    world.write("a.yaml", *(route(f"r{number}") for number in range(20)))
    operator = world.start()
    until(lambda: len(world.served()) == 20)
    written = len(world.writes())
    for end in (operator.process.kill, operator.process.stop):
        end()
        operator = world.start()
        until(lambda: len(world.page()["items"]) == 20)
        until(lambda: all(item["status"].get("programmedGeneration") == 1 for item in world.page()["items"]))
    time.sleep(_QUIET)
    assert len(world.writes()) == written


def test_what_changed_while_the_operator_was_killed_is_made_up_for(world: World) -> None:
    world.write("a.yaml", route("stays"), route("changes", "/before"))
    world.write("b.yaml", route("goes"))
    operator = world.start()
    until(lambda: len(world.served()) == 3)
    operator.process.kill()
    (world.folder / "b.yaml").unlink()
    world.write("a.yaml", route("stays"), route("changes", "/after"), route("comes"))
    world.start(ECHOROUTE_DRIFT_INTERVAL="1s")
    until(lambda: world.served() == {"stays": "/stays", "changes": "/after", "comes": "/comes"})
    assert [write.id for write in world.writes()].count(f"{world.owner}.default.stays") == 1


def test_deleting_one_file_removes_just_its_routes(world: World) -> None:
    world.write("a.yaml", route("a1"), route("a2"))
    world.write("b.yaml", route("b"))
    world.start()
    until(lambda: len(world.served()) == 3)
    (world.folder / "a.yaml").unlink()
    until(lambda: world.served() == {"b": "/b"})
    assert [write.method for write in world.writes()].count("DELETE") == 2


def test_a_file_that_is_renamed_or_replaced_changes_nothing(world: World) -> None:
    world.write("a.yaml", route("web"))
    world.write("b.yaml", route("other"))
    world.start()
    until(lambda: len(world.served()) == 2)
    written = len(world.writes())
    (world.folder / "a.yaml").rename(world.folder / "c.yaml")
    (world.folder / "b.yaml").unlink()
    world.write("b.yaml", route("other"))
    until(lambda: [file["name"] for file in world.page()["folder"]["files"]] == ["b.yaml", "c.yaml"])
    time.sleep(_QUIET)
    assert len(world.writes()) == written
    assert {item["metadata"]["generation"] for item in world.page()["items"]} == {1}


def test_a_broken_file_keeps_the_last_good_state_and_says_so(world: World) -> None:
    world.write("good.yaml", route("good"))
    world.write("team.yaml", route("web"), route("api"))
    operator = world.start()
    until(lambda: len(world.served()) == 3)
    written = len(world.writes())
    world.write("team.yaml", route("web"), "---\nkind: [EchoRoute\n")
    until(lambda: world.reason("api") == "Invalid")
    status, _, message = world.conditions("web")["Accepted"]
    assert (status, message.partition(":")[0]) == ("False", "team.yaml is not YAML")
    until(lambda: world.conditions("web").get("Stalled", ("",))[0] == "True")
    assert "team.yaml is not YAML" in operator.readyz()
    assert 'echoroute_folder_files{state="broken"} 1.0' in httpx.get(f"{operator.url}/metrics").text
    assert "team.yaml is not YAML" in world.echoroute_status().stderr
    assert "team.yaml is not YAML" in operator.process.output()
    (world.folder / "good.yaml").unlink()  # nothing counts as missing while a file cannot be read
    time.sleep(_QUIET)
    assert world.served() == {"good": "/good", "web": "/web", "api": "/api"}
    assert len(world.writes()) == written

    operator.process.kill()  # what it held before is known to the gateway alone now
    operator = world.start()
    time.sleep(_QUIET)
    assert world.served() == {"good": "/good", "web": "/web", "api": "/api"}

    world.write("team.yaml", route("web"), route("api", "/api/*"))
    until(lambda: world.served() == {"web": "/web", "api": "/api/*"})
    until(lambda: world.conditions("web").get("Programmed", ("",))[0] == "True")
    assert "team.yaml is good again" in operator.process.output()


def test_an_invalid_spec_is_of_that_object_alone(world: World) -> None:
    world.write("a.yaml", route("bad"), route("good"))
    world.start()
    until(lambda: len(world.served()) == 2)
    world.write("a.yaml", route("bad", "/changed", rewritte={"path": "/x"}), route("good", "/changed-too"))
    until(lambda: world.served() == {"bad": "/bad", "good": "/changed-too"})
    until(lambda: world.reason("bad", "Accepted") == "Invalid")
    message = world.conditions("bad")["Accepted"][2]
    assert message == "spec.rewritte: is not a field of EchoRoute; did you mean 'rewrite'?"


def test_a_name_that_stands_twice_keeps_what_serves(world: World) -> None:
    world.write("a.yaml", route("web", "/from-a"), route("other"))
    world.start()
    until(lambda: len(world.served()) == 2)
    world.write("b.yaml", route("web", "/from-b"), route("third"))
    until(lambda: world.reason("web", "Accepted") == "Invalid")
    assert world.conditions("web")["Accepted"][2] == "stands more than once, in a.yaml, b.yaml; keep one"
    until(lambda: world.served() == {"web": "/from-a", "other": "/other", "third": "/third"})
    world.write("a.yaml", route("other"))
    until(lambda: world.served()["web"] == "/from-b")


def test_what_is_being_written_is_not_read_by_half(world: World) -> None:
    world.write("a.yaml", route("first"), route("second"))
    world.start()
    until(lambda: len(world.served()) == 2)
    written = len(world.writes())
    text = (route("first") + route("second")).encode()
    with (world.folder / "a.yaml").open("wb", buffering=0) as file:
        for byte in range(len(text)):  # 4 s in all, with each prefix of the file for everybody to see
            file.write(text[byte : byte + 1])
            time.sleep(4 / len(text))
    time.sleep(_QUIET)
    assert len(world.writes()) == written
    assert {item["metadata"]["generation"] for item in world.page()["items"]} == {1}


def test_a_folder_that_goes_missing_removes_nothing(world: World) -> None:
    world.write("a.yaml", *(route(f"r{number}") for number in range(5)))
    operator = world.start(ECHOROUTE_DRIFT_INTERVAL="1s")
    until(lambda: len(world.served()) == 5)
    written = len(world.writes())
    world.folder.rename(world.folder.with_name("away"))
    until(lambda: f"the folder {world.folder} cannot be read" in operator.readyz())
    assert "its routes stay as they are" in world.echoroute_status().stderr
    time.sleep(_QUIET)
    assert operator.ready()
    assert len(world.page()["items"]) == 5
    world.folder.with_name("away").rename(world.folder)
    until(lambda: "[+]folder" in operator.readyz())
    world.write("a.yaml", *(route(f"r{number}") for number in range(4)), route("r4", "/changed"))
    until(lambda: world.served().get("r4") == "/changed")
    assert len(world.writes()) == written + 1


def test_a_start_without_the_folder_is_not_ready_and_deletes_nothing(world: World) -> None:
    world.write("a.yaml", route("web"))
    operator = world.start()
    until(lambda: len(world.served()) == 1)
    operator.process.stop()
    world.folder.rename(world.folder.with_name("away"))
    operator = world.start(wait=False)
    operator.process.wait_until(lambda: "cannot be read" in operator.process.output(), timeout=15)
    time.sleep(_QUIET)
    assert not operator.ready()
    assert world.served() == {"web": "/web"}
    world.folder.with_name("away").rename(world.folder)
    until(operator.ready)


def test_an_empty_folder_meets_the_brake_however_few_routes_there_are(world: World) -> None:
    """A mount that is not there looks like this."""
    world.write("a.yaml", route("web"), route("api"))
    operator = world.start()
    until(lambda: len(world.served()) == 2)
    (world.folder / "a.yaml").unlink()
    until(lambda: "has no EchoRoute (is it mounted?)" in operator.readyz())
    time.sleep(_QUIET)
    assert len(world.served()) == 2
    [token] = set(re.findall("ECHOROUTE_CONFIRM_DELETION=([0-9a-f]+)", world.page()["deletionsHeld"]))
    assert token in world.echoroute_status().stderr
    assert token in operator.process.output()

    operator.process.stop()
    operator = world.start(ECHOROUTE_CONFIRM_DELETION=token, ECHOROUTE_DRIFT_INTERVAL="1s")
    until(lambda: world.served() == {})


def test_an_empty_folder_that_fills_again_goes_on_without_a_write(world: World) -> None:
    text = route("web") + route("api")
    world.write("a.yaml", text)
    operator = world.start()
    until(lambda: len(world.served()) == 2)
    written = len(world.writes())
    (world.folder / "a.yaml").unlink()
    until(lambda: "[-]deletions" in operator.readyz())
    world.write("a.yaml", text)
    until(lambda: {world.reason("web", "Programmed"), world.reason("api", "Programmed")} == {"Programmed"})
    assert len(world.writes()) == written


def test_many_routes_at_once_meet_the_brake(world: World) -> None:
    world.write("many.yaml", *(route(f"r{number}") for number in range(12)))
    world.write("few.yaml", route("few"))
    operator = world.start()
    until(lambda: len(world.served()) == 13)
    (world.folder / "many.yaml").unlink()
    until(lambda: "they are 12 of the 13 that this operator owns" in operator.readyz())
    time.sleep(_QUIET)
    assert len(world.served()) == 13
    world.write("few.yaml", route("few", "/still-served"))  # writes go on
    until(lambda: world.served()["few"] == "/still-served")
