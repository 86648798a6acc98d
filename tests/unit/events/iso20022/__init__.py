"""The ISO 20022 reader."""
