"""Detection: the rule language, its compiler, and the evaluation of a subject."""
