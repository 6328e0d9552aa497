"""A program of its own: requests to one URL at an even rate until its standard input ends; then it prints, as JSON,
when each began (by the monotonic clock) and how many seconds it took; -1 for one that was not answered 200.
"""

import asyncio
import json
import sys
import time

import aiohttp


async def main(url: str, rate: float) -> None:
    told: list[tuple[float, float]] = []
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:

        async def ask() -> None:
            began = time.monotonic()
            try:
                async with session.get(url) as answer:
                    await answer.read()
                    good = answer.status == 200
            except aiohttp.ClientError:
                good = False
            told.append((began, time.monotonic() - began if good else -1.0))

        due = time.monotonic()
        while not ended.is_set():
            tasks.create_task(ask())  # whatever became of the last one: users do not wait for each other
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
