"""Apache Superset on Payweir's views, once in a real browser: ``make superset``, outside ``make test``."""
