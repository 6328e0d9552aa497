"""Property tests: the same examples in each run, on a busy machine too; `--hypothesis-profile=wide` looks further."""

from hypothesis import HealthCheck, settings

settings.register_profile("gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("wide", parent=settings.get_profile("gate"), derandomize=False, max_examples=2000)
settings.load_profile("gate")
