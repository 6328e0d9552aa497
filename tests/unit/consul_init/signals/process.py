"""A process whose signals are wrapped, which tells what happens."""

import subprocess
import sys
import textwrap
from collections.abc import Sequence

from consul_init.signals import SAME_WISH

NEW_PID_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]

PRELUDE = """
import asyncio, os, signal, sys, threading, time
from consul_init import signals
from consul_init.signals import WrappedSignals

class Leaving:
    def __init__(self, seconds=0.0, until=None): self.seconds, self.until = seconds, until
    def leave(self):
        say("leaving"); time.sleep(self.seconds)
        if self.until: until(self.until)
        say("drained"); return True

said = []
def say(text): os.write(1, f"{text}\\n".encode()); said.append(text)
def until(text, times=1):
    end = time.monotonic() + 30
    while sum(each.startswith(text) for each in said) < times and time.monotonic() < end: time.sleep(0.01)
def server_handler(signum, frame):
    say(f"server got {signum} in main {threading.current_thread() is threading.main_thread()}")
"""


def start(code: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    source = PRELUDE + textwrap.dedent(code)
    process = subprocess.Popen([*before, sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    with process.stdout as output:
        lines = output.read().splitlines()
    process.wait(timeout=60)
    return lines


LATER = SAME_WISH + 0.2
