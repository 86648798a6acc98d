"""Whatever stands in a rule file, it gets no further than the language lets it."""
