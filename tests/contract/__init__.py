"""Documents and schemas against the code they describe."""
