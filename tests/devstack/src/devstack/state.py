"""What a running stack leaves on disk for other processes: who it is and where its parts listen."""

import shutil
import signal
from pathlib import Path

from pydantic import BaseModel

from devstack.identity import ProcessIdentity

_NAME = "state.json"
LOCK = "lock"
"""The file whose lock the supervisor of a folder holds as long as it lives."""


class State(BaseModel):
    """One stack. `processes` are those that run, in the order in which they were started."""

    supervisor: ProcessIdentity
    ready: bool = False
    processes: dict[str, ProcessIdentity] = {}
    environment: dict[str, str] = {}
    """Names and values for a shell that wants to use the stack; files instead of secrets."""


def write_state(directory: Path, state: State) -> None:
    """Replace it in one step: a reader sees the old or the new one."""
    scratch = directory / f"{_NAME}.new"
    scratch.write_text(state.model_dump_json(indent=2))
    scratch.replace(directory / _NAME)


def read_state(directory: Path) -> State | None:
    """None when there is no stack, or one that is just starting."""
    try:
        return State.model_validate_json((directory / _NAME).read_text())
    except FileNotFoundError:
        return None


def end_leftovers(directory: Path) -> list[str]:
    """Kill the processes of a stack whose supervisor is gone; what was ended, for a person to read.

    Only processes that its state names are signalled, and never another one that has a pid of theirs by now.
    """
    state = read_state(directory)
    if state is None:
        return []
    leftovers = [name for name, identity in state.processes.items() if identity.send(signal.SIGKILL)]
    forget_state(directory)
    shutil.rmtree(directory / "data", ignore_errors=True)
    return [f"{directory.name}: ended {name} (pid {state.processes[name].pid}), left by a crash" for name in leftovers]


def forget_state(directory: Path) -> None:
    (directory / _NAME).unlink(missing_ok=True)
