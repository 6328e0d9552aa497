"""What `import consul_init` loads: an application pays for it at each start, in each of its workers."""

import re
import subprocess
import sys
from pathlib import Path

import consul_init
import pytest

LISTED = """
import sys
before = set(sys.modules)
{statement}
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("consul_init")))
"""
# Modules of the standard library that are no part of another one here. `_hashlib` is OpenSSL's, as `ssl` is, and small.
LOADED = {
    "abc", "array", "ast", "atexit", "base64", "binascii", "bisect", "collections", "concurrent", "contextlib",
    "copy", "copyreg", "dataclasses", "dis", "enum", "errno", "fnmatch", "functools", "genericpath", "glob",
    "hashlib", "heapq", "importlib", "inspect", "ipaddress", "itertools", "json", "keyword", "linecache", "logging",
    "math", "ntpath", "opcode", "operator", "os", "pathlib", "posixpath", "queue", "random", "re", "reprlib",
    "select", "selectors", "signal", "socket", "stat", "string", "struct", "textwrap", "threading", "time", "token",
    "tokenize", "traceback", "types", "typing", "urllib", "warnings", "weakref",
}  # fmt: skip
# By the first lines of the command, before they hold back signals.
FIRST = {
    "abc", "collections", "enum", "functools", "genericpath", "itertools", "keyword", "operator", "os", "posixpath",
    "reprlib", "signal", "stat", "types",
}  # fmt: skip
# What is loaded at the first request (http.client and ssl, in the keeper's thread), or by whoever awaits.
LATER = {"asyncio", "email", "http", "multiprocessing", "ssl", "subprocess", "tempfile", "zipfile", "ctypes"}


def loaded(statement: str) -> set[str]:
    output = subprocess.check_output([sys.executable, "-I", "-S", "-c", with_path(statement)], text=True)
    return {name.partition(".")[0] for name in output.split() if not name.startswith("_")}


def with_path(statement: str) -> str:
    source = Path(consul_init.__file__).parents[1]
    return f"import sys; sys.path.insert(0, {str(source)!r})" + LISTED.format(statement=statement)


def test_what_is_loaded() -> None:
    found = loaded("from consul_init import *")
    assert not found & LATER
    assert found <= LOADED, "more than before: is it needed at import?"


@pytest.mark.parametrize("module", ["consul_init.wrapper", "consul_init.sidecar"])
def test_the_commands_need_no_event_loop(module: str) -> None:
    """They are the first process of a container: the sooner they handle signals the better."""
    assert not loaded(f"import {module}") & LATER


def test_the_command_holds_signals_back_first() -> None:
    """What loads before that is time in which the first process of a container loses them."""
    assert loaded("import consul_init.main") <= FIRST


def test_the_public_api_is_what_the_readme_says() -> None:
    """Whatever is in `__all__` stays; what is not may change in any release."""
    readme = (Path(consul_init.__file__).parents[2] / "README.md").read_text()
    table = readme.partition("## Public API")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)", table, re.MULTILINE) == consul_init.__all__
    assert all(hasattr(consul_init, name) for name in consul_init.__all__)
    assert set(consul_init.__all__) <= set(dir(consul_init))
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        consul_init.Unknown  # type: ignore[attr-defined]  # noqa: B018
