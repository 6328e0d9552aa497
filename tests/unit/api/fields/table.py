"""Malformed specs, and well-formed ones: one table for the models, the CRD and the operator's own checks.

Unit tests run each malformed spec against the models, tests/faults apply it to a real API server. What is well formed
must pass everywhere. A field's rows stand in the module of its name.
"""

from . import (
    backends,
    canaries,
    conditions,
    headers,
    health_checks,
    load_balancing,
    match,
    paths,
    plugins,
    rewrite,
    spec,
    upstream,
)

_FIELDS = (
    *(spec, match, paths, conditions, rewrite, headers, plugins),
    *(backends, canaries, upstream, load_balancing, health_checks),
)

MALFORMED = [case for field in _FIELDS for case in field.MALFORMED]
WELL_FORMED = {why: good for field in _FIELDS for why, good in field.WELL_FORMED.items()}
