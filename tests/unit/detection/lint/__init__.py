"""Tests of `streams.detection.lint`."""
