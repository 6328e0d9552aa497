"""A secret that others rotate, and that nobody may see."""

import os

import pytest
from echoroute.errors import SettingsError
from echoroute.net.credential import Credential


def test_a_value_is_taken_without_the_newline_that_a_shell_adds():
    assert Credential("KEY", value=" secret\n").value() == "secret"


def test_a_mounted_secret_is_swapped_through_a_link(tmp_path):
    """As kubelet does it: ..data is a link to a folder, and is replaced in one step."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "key").write_text(f"secret-{version}")
        os.utime(tmp_path / version / "key", ns=(0, 0))  # not even the time differs
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "key").symlink_to("..data/key")
    credential = Credential("KEY", file=tmp_path / "key")
    assert credential.value() == "secret-1"
    (tmp_path / "..next").symlink_to("2")
    (tmp_path / "..next").replace(tmp_path / "..data")
    assert credential.value() == "secret-2"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"two\nlines"])
def test_a_file_that_is_unusable_for_a_while_leaves_the_last_good_value(tmp_path, caplog, content):
    file = tmp_path / "key"
    file.write_text("the-secret")
    credential = Credential("KEY", file=file)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert [credential.value() for _ in range(3)] == ["the-secret"] * 3
    assert len(caplog.records) == 1
    assert "the-secret" not in caplog.text
    file.write_text("the-next-secret")
    assert credential.value() == "the-next-secret"


def test_reread_does_not_believe_the_time(tmp_path):
    file = tmp_path / "key"
    file.write_text("secret-1")
    os.utime(file, ns=(0, 0))
    credential = Credential("KEY", file=file)
    file.write_text("secret-2")
    os.utime(file, ns=(0, 0))
    assert credential.value() == "secret-1"
    assert credential.reread() == "secret-2"


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda path: Credential("ECHOROUTE_X", file=path / "missing"), "No such file"),
        (lambda path: Credential("ECHOROUTE_X", file=path), "Is a directory"),
        (lambda path: Credential("ECHOROUTE_X", value=" "), "empty"),
        (lambda path: Credential("ECHOROUTE_X", value="se\ncret: injected"), "cannot be sent"),
        (lambda path: Credential("ECHOROUTE_X", value="sécret"), "cannot be sent"),
    ],
)
def test_what_cannot_be_used_at_start_names_the_setting_and_not_the_secret(tmp_path, made, problem):
    with pytest.raises(SettingsError, match=f"ECHOROUTE_X: .*{problem}") as caught:
        made(tmp_path)
    assert "cret" not in str(caught.value)


def test_no_form_of_printing_shows_it():
    credential = Credential("KEY", value="the-secret")
    assert "the-secret" not in f"{credential} {credential!r} {vars(Credential)}"
