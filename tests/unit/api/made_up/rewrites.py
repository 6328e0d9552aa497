"""Rewrites that were made up."""

from hypothesis import strategies as st

from .texts import exact_paths, header_names, json_object, plain_hosts

_value = st.lists(st.text("abc1 ;=\t\"'ä", max_size=4) | st.sampled_from(["$host", "${arg_a}"]), max_size=3).map(
    " ".join
)
_headers = st.dictionaries(header_names, _value, min_size=1, max_size=4).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)


def rewrites(odd):
    path_form = st.one_of(
        st.just({}),
        st.fixed_dictionaries(
            {"regex": st.fixed_dictionaries({"pattern": exact_paths | odd, "replacement": st.just("/$1") | odd})}
        ),
        st.fixed_dictionaries({"path": exact_paths.filter(lambda path: "$" not in path) | odd}),
        st.fixed_dictionaries({"stripPrefix": exact_paths.filter(lambda path: path != "/" and "*" not in path) | odd}),
    )
    rest = json_object(
        {},
        host=plain_hosts | odd,
        method=st.sampled_from(["GET", "POST", "COPY"]),
        headers=json_object(
            {}, set=_headers, add=_headers, remove=st.lists(header_names, min_size=1, max_size=3, unique=True)
        ),
    )
    return st.builds(lambda form, more: {**form, **more}, path_form, rest)
