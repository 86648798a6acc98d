"""Lint: what a checked set of rules says that its author can hardly mean, and what its rules cost."""
