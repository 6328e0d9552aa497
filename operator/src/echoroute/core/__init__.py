"""Pure functions of values: translation, policy, conflicts, plan, conditions, brake. No I/O, clock or logging."""
