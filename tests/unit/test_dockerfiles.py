"""The Dockerfiles repeat two versions, because a Dockerfile cannot include another file: they agree."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_DOCKERFILES = ("operator/Dockerfile", "echo/Dockerfile", "echo/consul-init/Dockerfile")


def _argument(name: str) -> set[str]:
    texts = [(_ROOT / file).read_text() for file in _DOCKERFILES]
    return {found for text in texts for found in re.findall(rf"^ARG {name}=(\S+)$", text, re.MULTILINE)}


def test_one_base_image_pinned_to_a_patch_release() -> None:
    [image] = _argument("PYTHON_IMAGE")
    assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-bookworm", image)


def test_the_uv_of_the_makefile() -> None:
    [version] = _argument("UV_VERSION")
    assert f"UV_VERSION := {version}\n" in (_ROOT / "Makefile").read_text()
