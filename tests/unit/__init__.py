"""Unit tests, one folder for each of the package."""
