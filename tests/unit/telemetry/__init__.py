"""Metrics, health, logs."""
