"""DIFFERENCES.md is what scope.py says."""

from pathlib import Path

from .recorded import case_lines, exchanges
from .scope import NOT_AT_WORK, NOT_FOLLOWED, left_out

_TABLE = Path(__file__).parent / "DIFFERENCES.md"


def _table() -> str:
    out = [(exchange, left_out(exchange)) for exchange in exchanges()]
    replayed = sum(reason is None for _, reason in out)
    followed = replayed + len(case_lines()) - len(NOT_FOLLOWED)
    lines = [
        "# What the stand-in gateway does not follow of the recordings",
        "",
        "Written by `tests/contract/test_table.py` from `scope.py`; do not edit.",
        "",
        (
            f"Recorded: {len(out)} exchanges with the Admin API and {len(case_lines())} cases of the data plane."
            f" Replayed: {replayed} exchanges and all cases; {followed} of them agree."
        ),
        "",
        "## Answered otherwise",
        "",
        *(f"- {name}: {reason}" for name, reason in NOT_FOLLOWED.items()),
        *([] if NOT_FOLLOWED else ["None."]),
        "",
        "## Left out",
        "",
        "The operator asks none of this of a gateway; the stand-in answers 501 where it has not got it.",
        "",
        "| n | group | exchange | why |",
        "|---|---|---|---|",
        *(
            f"| {exchange.n} | {exchange.group} | {exchange.name.replace('|', '¦')} | {reason} |"
            for exchange, reason in out
            if reason is not None
        ),
        "",
        "## Plugins that are not tried at work",
        "",
        "The operator opens these plugins to everybody. The stand-in judges their configs; a real APISIX shows them.",
        "",
        "| plugin | why |",
        "|---|---|",
        *(f"| {name} | {reason} |" for name, reason in sorted(NOT_AT_WORK.items())),
    ]
    return "\n".join(lines) + "\n"


def test_the_table_is_current() -> None:
    current = _table()
    if not _TABLE.exists() or _TABLE.read_text() != current:
        _TABLE.write_text(current)
        raise AssertionError(f"{_TABLE.name} was not current: it is written anew, look at it and commit it")
