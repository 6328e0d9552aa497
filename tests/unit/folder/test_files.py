"""Files by polling: what counts as a content, and what a broken file leaves."""

import logging
import os
import time
from pathlib import Path

import pytest
from echoroute.errors import FolderError
from echoroute.folder import files
from echoroute.folder.files import Files

ONE = "apiVersion: echoroute.dev/v1alpha1\nkind: EchoRoute\nmetadata: {name: %s}\nspec: {}\n"


_BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)


class Folder:
    """A folder whose time the test turns: `later` moves both clocks."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.now = time.time()
        monkeypatch.setattr(files.time, "time", lambda: self.now)
        monkeypatch.setattr(files.time, "monotonic", lambda: self.now)
        self.files = Files(path)

    def write(self, name: str, text: str | bytes, *, age: float = 0.0) -> None:
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(file, (self.now - age, self.now - age))

    def later(self, seconds: float = files.SETTLE) -> bool:
        self.now += seconds
        return self.files.scan()

    def settled(self) -> None:
        self.files.scan()
        self.later()

    def names(self, file: str) -> list[str]:
        return [str(one.key) for one in self.files.known[file].declared]

    def problem(self, file: str) -> str:
        return self.files.known[file].problem


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path, monkeypatch)


def test_an_old_file_counts_at_the_first_look_and_a_young_one_when_it_has_stood_still(folder: Folder) -> None:
    folder.write("old.yaml", ONE % "old", age=60)
    folder.write("young.yaml", ONE % "young", age=0.1)
    assert folder.files.scan()
    assert set(folder.files.known) == {"old.yaml"}
    assert folder.files.pending
    assert not folder.later(files.SETTLE / 2)
    assert folder.later()
    assert folder.names("young.yaml") == ["default/young"]
    assert not folder.files.pending


def test_a_file_that_appears_later_must_stand_still_however_old_it_says_it_is(folder: Folder) -> None:
    """Clocks of two machines differ: its age is no proof that nobody writes it."""
    folder.files.scan()
    folder.write("a.yaml", ONE % "a", age=3600)
    assert not folder.files.scan()
    assert folder.later()


def test_a_content_that_changes_meanwhile_waits_anew(folder: Folder) -> None:
    folder.files.scan()
    folder.write("a.yaml", ONE % "a")
    folder.files.scan()
    folder.write("a.yaml", ONE % "a" + "---\n" + ONE % "b")
    assert not folder.later()
    assert folder.later()
    assert folder.names("a.yaml") == ["default/a", "default/b"]


def test_an_absence_must_stand_still_too(folder: Folder) -> None:
    folder.write("a.yaml", ONE % "a", age=60)
    folder.files.scan()
    (folder.path / "a.yaml").unlink()
    assert not folder.files.scan()
    assert folder.names("a.yaml") == ["default/a"]
    folder.write("a.yaml", ONE % "a")
    assert not folder.later()
    assert not folder.files.pending, "replaced by the same content: nothing happened"
    (folder.path / "a.yaml").unlink()
    folder.files.scan()
    assert folder.later()
    assert folder.files.known == {}


def test_same_time_and_size_is_found_by_content_on_demand(folder: Folder) -> None:
    folder.write("a.yaml", ONE % "aa", age=60)
    folder.files.scan()
    stat = (folder.path / "a.yaml").stat()
    with (folder.path / "a.yaml").open("r+") as file:
        file.write(ONE % "bb")
    os.utime(folder.path / "a.yaml", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not folder.later()
    folder.files.scan(reread=True)
    assert folder.later()
    assert folder.names("a.yaml") == ["default/bb"]


@pytest.mark.parametrize(
    ("name", "taken", "why"),
    [
        ("a.yaml", True, ""),
        ("a.yml", True, ""),
        ("a.json", True, "YAML has JSON in it"),
        (".a.yaml", False, "an editor's swap file, or Kubernetes' ..data"),
        ("a.yaml~", False, "a backup"),
        ("a.txt", False, "not a manifest"),
    ],
)
def test_which_files_count(folder: Folder, name: str, taken: bool, why: str) -> None:
    folder.write(name, ONE % "a", age=60)
    folder.files.scan()
    assert (name in folder.files.known) is taken, why


def test_a_folder_below_is_not_a_file(folder: Folder) -> None:
    (folder.path / "sub.yaml").mkdir()
    folder.files.scan()
    assert folder.files.known == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not YAML"),
        (b"\xff", "is not UTF-8: byte 0"),
        ("[" * 100_000, "is nested too deeply"),
        (_BILLION, "has more than 100,000 values in a document, once its aliases are written out"),
        ("a: &a [*a]", "has something that JSON does not have"),
        ("- a", "is not a Kubernetes object"),
        (ONE.replace("v1alpha1", "v9") % "a", "has an EchoRoute of echoroute.dev/v9, which is not known"),
        (ONE % '""', "has an EchoRoute without a name; write metadata.name"),
        (ONE % "A", "has an EchoRoute default/A: metadata: name and namespace must be lower-case"),
        (
            (ONE % "a").replace("{name: a}", "{name: a, namspace: b}"),
            "has an EchoRoute default/a: metadata.namspace: is not a field of EchoRoute; did you mean 'namespace'?",
        ),
        ((ONE % "a").replace("spec:", "specs:"), "specs: is not a field of EchoRoute; did you mean 'spec'?"),
        ((ONE % "a").replace("spec: {}", "spec: []"), "has an EchoRoute default/a: spec: must be an object"),
    ],
)
def test_a_broken_file_keeps_what_it_declared_and_says_so_once(
    folder: Folder, caplog: pytest.LogCaptureFixture, text: str | bytes, says: str
) -> None:
    folder.write("a.yaml", ONE % "a", age=60)
    folder.files.scan()
    folder.write("a.yaml", text)
    folder.settled()
    assert folder.names("a.yaml") == ["default/a"]
    assert says in folder.problem("a.yaml")
    assert caplog.text.count(says) == 1
    with caplog.at_level(logging.INFO):
        folder.write("a.yaml", ONE % "b")
        folder.settled()
    assert (folder.names("a.yaml"), folder.problem("a.yaml")) == (["default/b"], "")
    assert "a.yaml is good again" in caplog.text


def test_a_file_that_is_too_large_is_broken(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_SIZE", 1024 * 1024)
    folder.write("a.yaml", "#" * (1024 * 1024 + 1), age=60)
    folder.files.scan()
    assert folder.problem("a.yaml") == "is larger than 1 MiB; split it"


@pytest.mark.parametrize("good_before", [True, False])
def test_a_link_without_a_target_is_a_broken_file(folder: Folder, good_before: bool) -> None:
    """What it points to may be on a file system that is not mounted: its routes are not to go."""
    (folder.path / "a.yaml").symlink_to("v1")
    if good_before:
        folder.write("v1", ONE % "one", age=60)
        folder.files.scan()
        (folder.path / "v1").unlink()
    folder.settled()
    assert folder.problem("a.yaml") == "cannot be read: it is a link, and its target is not there"
    assert folder.names("a.yaml") == (["default/one"] if good_before else [])
    (folder.path / "a.yaml").unlink()
    folder.settled()
    assert folder.files.known == {}


def test_a_pipe_is_a_broken_file_and_nobody_waits_for_its_writer(folder: Folder) -> None:
    os.mkfifo(folder.path / "a.yaml")
    folder.settled()
    assert folder.problem("a.yaml") == "cannot be read: it is no regular file"


def test_a_link_that_is_swapped_is_followed(folder: Folder) -> None:
    """As Kubernetes updates a mounted ConfigMap."""
    folder.write("v1", ONE % "one", age=60)
    folder.write("v2", ONE % "two", age=60)
    (folder.path / "a.yaml").symlink_to("v1")
    folder.files.scan()
    (folder.path / "new").symlink_to("v2")
    (folder.path / "new").rename(folder.path / "a.yaml")
    folder.settled()
    assert folder.names("a.yaml") == ["default/two"]


def test_a_missing_folder_is_an_error_and_forgets_nothing(folder: Folder) -> None:
    folder.write("a.yaml", ONE % "a", age=60)
    folder.files.scan()
    folder.path.rename(folder.path.with_name("away"))
    with pytest.raises(FolderError, match=r"cannot be read: No such file or directory"):
        folder.later()
    assert folder.names("a.yaml") == ["default/a"]
    folder.path.with_name("away").rename(folder.path)
    assert not folder.later()


def test_a_scan_under_way_is_not_seen_by_others(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a thread of its own, beside whoever shows the files."""
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        folder.write(name, ONE % "before", age=60)
    folder.files.scan()
    shown: list[tuple[dict[str, str], bool]] = []

    def look(path: Path) -> bytes | OSError | None:
        known = folder.files.known
        shown.append(({name: str(file.declared[0].key) for name, file in known.items()}, folder.files.pending))
        return read(path)

    read = files._read
    monkeypatch.setattr(files, "_read", look)
    for name in ("a.yaml", "b.yaml", "d.yaml"):
        folder.write(name, ONE % "after")
    (folder.path / "c.yaml").unlink()
    before = dict.fromkeys(("a.yaml", "b.yaml", "c.yaml"), "default/before")
    folder.files.scan()
    assert shown == [(before, False)] * 4
    folder.later()
    assert shown == [(before, False)] * 4 + [(before, True)] * 4
    assert set(folder.files.known) == {"a.yaml", "b.yaml", "d.yaml"}
