"""A program that tells of its signals."""

import subprocess

# Handlers first, then the word that it is ready. Ends when its standard input does.
TRAPPING = """
import select, signal, sys
def got(signum, frame): print("got", signal.Signals(signum).name, flush=True)
for each in sys.argv[1].split(","): signal.signal(getattr(signal, each), got)
print("ready", flush=True)
while not select.select([0], [], [], 0.02)[0]: pass
sys.exit(3)
"""


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Have it end, by its standard input; the lines that have not been read yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    lines = process.stdout.read().splitlines()
    process.wait(timeout=60)
    return lines


def told(process: subprocess.Popen[str], count: int = 1) -> list[str]:
    """The next lines of the command's."""
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]
