"""Programs from published archives, before anything is built: by HTTPS, and only what has the hash that is pinned here.

Whatever goes wrong is one line, and the build goes on as if there were no archive.
"""

import hashlib
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import httpx

from devstack import archives, stamps
from devstack.archives import Archive
from devstack.errors import DevstackError, NoAnswer, Unavailable
from devstack.find import version_of
from devstack.paths import DOWNLOADED
from devstack.programs import KUBE_APISERVER, Program, pinned_version
from devstack.progress import Step, say
from devstack.unpack import unpack

SWITCH = "DEVSTACK_DOWNLOAD"
_ANSWER_SECONDS = 5.0
_LONGEST_SECONDS = 300.0  # then a build is as quick
_LARGEST = 512 << 20
_MEGABYTE = 1_000_000


def is_allowed() -> bool:
    """`DEVSTACK_DOWNLOAD=never` leaves it out. Raises DevstackError for what means nothing."""
    value = os.environ.get(SWITCH, "")
    if value not in ("", "auto", "never"):
        msg = f"{SWITCH} is {value!r}: write never, or auto (the default)"
        raise DevstackError(msg)
    return value != "never"


def download(missing: Sequence[Program], wanted: Sequence[Program]) -> None:
    """Fetch what is missing and published for this machine.

    Programs of one module have to be of one version, so an archive is left where it lacks another that is wanted.
    One try decides for all archives whether there is a network.
    """
    for archive in archives.here():
        partial = {program.directory for program in wanted if program.name not in archive.programs}
        there = [each for each in missing if each.name in archive.programs and each.directory not in partial]
        try:
            if there:
                _take(archive, there)
        except Unavailable as error:
            names = ", ".join(program.name for program in there)
            say(f"{names}: built instead, because {archive.url} could not be downloaded: {error}")
            if isinstance(error, NoAnswer):
                return


def _take(archive: Archive, programs: Sequence[Program]) -> None:
    """Raises Unavailable, and NoAnswer where there is no way to the host."""
    DOWNLOADED.mkdir(parents=True, exist_ok=True)
    versions = ", ".join(f"{program.name} {archive.programs[program.name]}" for program in programs)
    with tempfile.TemporaryDirectory(prefix="download-", dir=DOWNLOADED.parent) as scratch:
        folder, file = Path(scratch, "programs"), Path(scratch, "archive")
        folder.mkdir()
        with Step(f"{versions}: downloading from {urlsplit(archive.url).hostname}") as step:
            _fetch(archive, file, step)
            unpack(file, {program.name for program in programs}, folder)
            for program in programs:
                _expect(archive, program, folder / program.name)
            step.finish(f"downloaded {file.stat().st_size / _MEGABYTE:.0f} MB")
        for program in programs:
            binary = DOWNLOADED / program.name
            stamps.forget(binary)
            (folder / program.name).replace(binary)
            stamps.write(archive.digest, binary)
            _say_other_version(archive, program)


def _say_other_version(archive: Archive, program: Program) -> None:
    """Which version runs, and why, where it is not the one that a build gives."""
    version, pinned = archive.programs[program.name], pinned_version(program)
    if program == KUBE_APISERVER and pinned is not None and version != pinned:
        accepted = f"{version.major}.{version.minor} to {pinned.major}.{pinned.minor}"
        say(f"Kubernetes {version} runs, the newest that is published; a build would be {pinned} ({accepted} will do)")


def _fetch(archive: Archive, file: Path, step: Step) -> None:
    digest, size, deadline = hashlib.new(archive.algorithm), 0, time.monotonic() + _LONGEST_SECONDS
    # The system's certificates, or those of SSL_CERT_FILE: a company's own authority is among them.
    context = ssl.create_default_context()
    hooks = {"request": [_require_https]}
    with (
        httpx.Client(timeout=_ANSWER_SECONDS, follow_redirects=True, verify=context, event_hooks=hooks) as client,
        file.open("wb") as out,
    ):
        try:
            answer = _answer(lambda: client.send(client.build_request("GET", archive.url), stream=True))
            if answer.status_code != httpx.codes.OK:
                msg = f"HTTP {answer.status_code}"
                raise Unavailable(msg)
            for chunk in answer.iter_raw():
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                if size > _LARGEST or time.monotonic() > deadline:
                    msg = f"it is not here after {size / _MEGABYTE:.0f} MB and {_LONGEST_SECONDS:.0f} s at most"
                    raise Unavailable(msg)
                step.update(f"{size / _MEGABYTE:.0f} MB")
        except httpx.TimeoutException as error:
            msg = f"no answer within {_ANSWER_SECONDS:g} s"
            raise NoAnswer(msg) from error
        except httpx.RemoteProtocolError as error:
            msg = f"it ended after {size} bytes: {error}"
            raise Unavailable(msg) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
    if digest.hexdigest() != archive.digest:
        msg = f"its {archive.algorithm} is {digest.hexdigest()[:12]}…, and {archive.digest[:12]}… is pinned"
        raise Unavailable(msg)


def _require_https(request: httpx.Request) -> None:
    """For each step of the way: a redirection leads elsewhere."""
    if request.url.scheme != "https":
        msg = f"it leads to {request.url.scheme}://{request.url.host}, not by https"
        raise Unavailable(msg)


def _answer(send: Callable[[], httpx.Response]) -> httpx.Response:
    """What `send` returns, within the time. In a thread: nothing else bounds the looking up of a name."""
    outcome: SimpleQueue[httpx.Response | Exception] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put(send())
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = outcome.get(timeout=_ANSWER_SECONDS)
    except Empty:
        msg = f"no answer within {_ANSWER_SECONDS:g} s"
        raise NoAnswer(msg) from None
    if isinstance(result, Exception):
        raise result
    return result


def _expect(archive: Archive, program: Program, path: Path) -> None:
    """It runs here, and is what it is said to be."""
    found, expected = version_of(program, path), archive.programs[program.name]
    if found != expected:
        msg = f"its {program.name} {f'is {found}' if found else 'does not run here'}, and {expected} was expected"
        raise Unavailable(msg)
