"""The texts that specs are made of: paths, hosts, durations, names; and odd ones."""

from hypothesis import strategies as st

_segment = st.text("abcXYZ09-_.~!,;=@&'<>\" äß你", min_size=1, max_size=8).filter(lambda text: text not in {".", ".."})
odd_texts = st.text("ab/*:%2F.+()$^?[|\\ \n\tä你env:secret{}\"'", max_size=12)
exact_paths = st.lists(_segment | st.sampled_from(["a+b", "(x)", "$1", "[1]", "a|b", "a\\b"]), max_size=4).map(
    lambda segments: "/" + "/".join(segments)
)
prefixes = st.lists(_segment, max_size=4).map(lambda segments: "/" + "".join(f"{one}/" for one in segments) + "*")
labels = st.from_regex(r"[0-9A-Za-z_-]{1,10}", fullmatch=True)
_dotted = st.lists(labels, min_size=1, max_size=4).map(".".join)
hosts = st.builds(lambda wild, name: wild + name, st.sampled_from(["", "*."]), _dotted)
plain_hosts = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(st.from_regex(r"[0-9A-Za-z-]{1,10}", fullmatch=True), min_size=1, max_size=3),
    st.sampled_from(["", ":80", ":65535"]),
)
durations = st.lists(
    st.builds(lambda number, unit: f"{number}{unit}", st.integers(1, 999), st.sampled_from(["s", "ms"])),
    min_size=1,
    max_size=4,
).map("".join)
header_names = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,16}", fullmatch=True)


def json_object(required, **optional):
    """Objects with these fields, and some of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional)
