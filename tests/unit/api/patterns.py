"""Patterns, and whether the gateway takes them: what `echoroute.api.regex` sees, and what only PCRE sees.

Loaded with `runpy.run_path`; tests/contract asks a gateway for its word on each.
"""

TAKEN = [
    "a", "[]]", "[]a]", "[^]]", "[^]a]", "[a[b]", r"[\]]", "[[:alpha:]]", "[[:^alpha:]a]", "[a-]", "]", "}", "]*", "}*",
    "a*?", "a*+", "a+?", "a?+", "a{2}", "a{2,}?", "a{2,3}+", "a{", "a{2", "a{,3}", "a{x}", "a{65535}", "{", "{a}",
    "()", "()*", "(a|b)", "|a", "a|", "(?i)a", "(?i:a)", "(?:a)*", "(?<n>a)", "(?P<n>a)", "(?'n'a)", "(?=a)", "(?!a)",
    "(?<=a)b", "(?<!a)b", "(?>a)", "(?|a|b)", "(?#comment ()", "(?#c)a", "(a)(?1)", "(x)?(?(1)a|b)", "(?)", "(?-i)a",
    r"\\", r"\(", r"\Q(\E", r"\Q(", r"\Q*\E+", r"\p{L}", r"\h+", r"\R", r"a\E", "^a$", r"\ba\b", "(*UTF8)a",
    "(?x)a # (\n", "é+", "^(?:0|1[0-8]|19[0-9])", r"^([\w.-]+)@example\.com$",
]  # fmt: skip

# pattern, what is said of it
BROKEN = [
    ("(", "'(' at 1 has no ')'"),
    ("((a)", "'(' at 1 has no ')'"),
    ("a)", "')' at 2 has no '('"),
    ("(a))", "')' at 4 has no '('"),
    ("(?:a", "'(' at 1 has no ')'"),
    ("(?i", "'(' at 1 has no ')'"),
    ("[", "'[' at 1 has no ']'"),
    ("a[b", "'[' at 2 has no ']'"),
    ("[]", "'[' at 1 has no ']'"),
    ("[^]", "'[' at 1 has no ']'"),
    (r"[\]", "'[' at 1 has no ']'"),
    ("[[:alpha:]", "'[' at 1 has no ']'"),
    ("*", "'*' at 1 has nothing before it"),
    ("+a", "'+' at 1 has nothing before it"),
    ("(?:*a)", "'*' at 4 has nothing before it"),
    ("(*)", "'*' at 2 has nothing before it"),
    ("a|*", "'*' at 3 has nothing before it"),
    ("^*", "'*' at 2 has nothing before it"),
    (r"\b+", "'+' at 3 has nothing before it"),
    ("a**", "'*' at 3 has nothing before it"),
    ("a*??", "'?' at 4 has nothing before it"),
    ("a+*", "'*' at 3 has nothing before it"),
    ("{2}", "'{2}' at 1 has nothing before it"),
    ("a{1}*", "'*' at 5 has nothing before it"),
    ("a{3,2}", "the smaller one first"),
    ("a{65536}", "numbers up to 65,535"),
    ("\\", "ends with a single"),
    ("a\\", "ends with a single"),
]
