"""Whether the tree keeps its shape and its bans."""
