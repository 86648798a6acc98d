"""What the product costs, side by side with its references: ``python -m tests.bench`` (see README.md)."""
