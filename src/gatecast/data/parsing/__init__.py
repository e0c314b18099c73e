"""Parse columns of strings and numbers: times, numbers, ids, roles and exogenous columns."""
