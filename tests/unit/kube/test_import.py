"""kopf takes long to import, and whoever waits for the event loop need not notice."""

import subprocess
import sys

PROGRAM = """
import asyncio, gc, sys, time

async def main():
    from echoroute.run.cluster import import_kopf
    assert "kopf" not in sys.modules
    began, gaps = time.monotonic(), []

    async def tick():
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.02)
    await import_kopf()
    took = time.monotonic() - began
    await asyncio.sleep(0.02)
    ticking.cancel()
    assert "kopf" in sys.modules
    frozen = gc.get_freeze_count()
    await import_kopf()
    assert gc.get_freeze_count() == frozen, "each run of the watch calls it, and garbage may not pile up"
    print(took, max(gaps))

asyncio.run(main())
"""


def test_the_loop_goes_on_while_kopf_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    took, longest = map(float, done.stdout.split())
    print(f"kopf was imported in {took:.2f} s, and the loop waited {longest * 1000:.0f} ms at most")  # noqa: T201
    assert longest < took * 0.6
