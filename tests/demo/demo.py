"""The whole loop, live: from `kubectl apply` to an answered request, on real parts. Run by `make demo`."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType

import httpx
from devstack.builder import build
from devstack.errors import DevstackError
from devstack.instances import directory_of
from devstack.paths import REPOSITORY, shown
from devstack.processes import Command
from devstack.product import Operator, install, start_echo, start_operator
from devstack.programs import DEMO
from devstack.stack import Stack

_SAMPLE = REPOSITORY / "manifests" / "samples" / "echo.yaml"
_CANARY = REPOSITORY / "tests" / "demo" / "canary.yaml"
_PATH = "/testecho/hello"
# The default is 30 s; a demonstration need not wait that long to see drift mended.
_DRIFT_INTERVAL = "3s"
# On a busy machine a list of the gateway takes long, and the operator lists more rarely: each ten intervals at worst.
_DEADLINE = 90.0


class NotAsTold(Exception):
    """A step of the demonstration did not end as it says it does."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """One line: what is done, and how long it took."""
    print(f"  {what:<74}", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - began:6.2f} s", flush=True)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; raises NotAsTold when it does not within the deadline."""
    deadline = time.monotonic() + _DEADLINE
    while not holds():
        if time.monotonic() > deadline:
            raise NotAsTold(f"{what}: not so after {_DEADLINE:.0f} s")
        time.sleep(0.02)


def ask(stack: Stack, count: int) -> Counter[str]:
    """Send requests through the gateway and count the answers: the version, or what else came."""
    answers: Counter[str] = Counter()
    for _ in range(count):
        answer = stack.gateway.api.request(_PATH)
        answers[f"version {answer.json()['version']}" if answer.is_success else f"HTTP {answer.status_code}"] += 1
    return answers


def show(text: str) -> None:
    for line in text.rstrip().splitlines():
        print(f"      {line}", flush=True)


@contextmanager
def traffic(stack: Stack) -> Iterator[Counter[str]]:
    """Requests one after the other in the background, counted, for as long as the block lasts."""
    answers: Counter[str] = Counter()
    stop = Event()

    def send() -> None:
        with httpx.Client() as client:
            while not stop.is_set():
                try:
                    answer = client.get(f"{stack.gateway.url}{_PATH}", timeout=5)
                    answers["answered" if answer.is_success else f"HTTP {answer.status_code}"] += 1
                except httpx.TransportError as error:
                    answers[type(error).__name__] += 1
                stop.wait(0.005)

    thread = Thread(target=send)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def nothing_failed(answers: Counter[str]) -> None:
    failed = {name: number for name, number in sorted(answers.items()) if name != "answered"}
    show(f"{answers['answered']} of {answers.total()} requests answered, {sum(failed.values())} failed")
    if failed or not answers:
        raise NotAsTold(f"each request was to be answered; what else came: {failed or 'nothing'}")


def apply_route(stack: Stack) -> None:
    with step("kubectl apply -f manifests/samples/echo.yaml, until Ready"):
        stack.kube.apply(_SAMPLE)
        stack.kube.run("wait", "--for=condition=Ready", "echoroute/echo", "--timeout=60s")
    show(stack.kube.run("get", "er"))
    with step(f"40 requests to {_PATH}"):
        until(lambda: set(ask(stack, 4)) == {"version 1", "version 2"}, "both versions answer")
        answers = ask(stack, 40)
    show(", ".join(f"{name}: {number}" for name, number in sorted(answers.items())))
    if set(answers) != {"version 1", "version 2"}:
        raise NotAsTold("both versions and nothing else were to answer")


def stop_one(stack: Stack, echo: Command) -> None:
    with traffic(stack) as answers:
        with step("stop version 1 (SIGTERM) while requests go on"):
            echo.stop()
        with step("all traffic goes to version 2"):
            until(lambda: set(ask(stack, 10)) == {"version 2"}, "version 2 answers alone")
    nothing_failed(answers)
    with step("start version 1 again; it registers itself"):
        echo.spawn()
        until(lambda: set(ask(stack, 6)) == {"version 1", "version 2"}, "both versions answer again")


def drift(stack: Stack) -> None:
    [route] = stack.gateway.api.list_all("routes")
    identity = str(route["id"])
    edited = {name: value for name, value in route.items() if name not in {"id", "create_time", "update_time"}}
    with step(f"edit the route in the gateway by hand, until repaired (looks every {_DRIFT_INTERVAL})"):
        stack.gateway.api.put("routes", identity, edited | {"uri": "/hijacked/*"})
        until(lambda: (stack.gateway.api.get("routes", identity) or {}).get("uri") == "/testecho/*", "mended")


def delete_route(stack: Stack) -> None:
    with step("kubectl delete echoroute echo, until the gateway answers 404"):
        stack.kube.run("delete", "echoroute", "echo")
        until(lambda: set(ask(stack, 1)) == {"HTTP 404"}, "404")


def canary(stack: Stack) -> None:
    with step("kubectl apply -f tests/demo/canary.yaml: a tenth goes to version 2"):
        stack.kube.apply(_CANARY)
        stack.kube.run("wait", "--for=condition=Ready", "echoroute/echo", "--timeout=60s")
    show(stack.kube.run("get", "er"))
    with step(f"200 requests to {_PATH}"):
        answers = ask(stack, 200)
    show(", ".join(f"{name}: {number}" for name, number in sorted(answers.items())))
    if set(answers) != {"version 1", "version 2"} or not 2 <= answers["version 2"] <= 60:
        raise NotAsTold("about a tenth was to go to version 2")
    with traffic(stack) as sent:
        with step("edit one number, the first weight becomes 0, while requests go on"):
            change = '[{"op": "replace", "path": "/spec/backends/0/weight", "value": 0}]'
            stack.kube.run("patch", "echoroute", "echo", "--type=json", f"--patch={change}")
        with step("all traffic goes to version 2"):
            until(lambda: set(ask(stack, 20)) == {"version 2"}, "version 2 answers alone")
    nothing_failed(sent)


def stay(stack: Stack, operator: Operator) -> None:
    """In a terminal: leave it to the person, until Ctrl-C."""
    stack.kube.apply(_SAMPLE)
    stack.kube.run("wait", "--for=condition=Ready", "echoroute/echo", "--timeout=60s")
    kubeconfig = shown(stack.kubeconfig)
    print(f"""
  All of it stays up until Ctrl-C; the EchoRoute is back.

    Gateway      {stack.gateway.url}{_PATH}
    Consul       {stack.consul.url}/ui
    Operator     {operator.url}/readyz?verbose   {operator.url}/metrics
    kubeconfig   {kubeconfig}
    Logs         {shown(stack.layout.logs)}

  If one part of it ends, all of it ends, and the last line here names the part and its log.

  Try, in another terminal:
    eval "$(.venv/bin/devstack env --name {stack.name})"   # KUBECONFIG, CONSUL_HTTP_ADDR, ...
    curl "$APISIX_GATEWAY_URL{_PATH}"
    "$KUBECTL" get er -o wide
    "$KUBECTL" explain echoroute.spec.rewrite
    "$KUBECTL" edit er echo
    curl "$CONSUL_HTTP_ADDR/v1/health/service/echo?passing"
    curl -H "X-API-KEY: $(cat "$APISIX_ADMIN_KEY_FILE")" "$APISIX_ADMIN_URL/apisix/admin/routes"
""")
    while True:
        stack.check()
        time.sleep(0.5)


def demonstrate(stack: Stack) -> None:
    with step("CRD and RBAC: kubectl apply -k manifests/base"):
        install(stack)
    with step("the operator, with its own account's rights"):
        operator = start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": _DRIFT_INTERVAL})
    with step("two echo instances, versions 1 and 2, register themselves in Consul"):
        echo, _ = start_echo(stack, 1), start_echo(stack, 2)
        until(lambda: len(stack.consul.api.instances("echo")) == 2, "both are registered")
        stack.consul.api.wait_for_passing("echo", 2)
    apply_route(stack)
    stop_one(stack, echo)
    drift(stack)
    delete_route(stack)
    canary(stack)
    print("\n  Every step succeeded.", flush=True)
    if sys.stdout.isatty():
        stay(stack, operator)


def main() -> int:
    """0 when every step succeeded; 1 otherwise."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        binaries = build(DEMO)
        print("\n  EchoRoute: from kubectl apply to an answered request\n")
        stack = Stack(directory_of("demo"), binaries)
        with step("etcd, Kubernetes API, Consul, gateway (a stand-in for APISIX)"):
            stack.start()
        with stack_ended(stack):
            demonstrate(stack)
    except (NotAsTold, DevstackError) as error:
        print(f"\n  A step failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n  stopped")
    return 0


@contextmanager
def stack_ended(stack: Stack) -> Iterator[None]:
    try:
        yield
    finally:
        stack.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
