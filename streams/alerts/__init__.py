"""Alerts: their identity, their life, and the records that carry them."""
