"""Floor 1: the languages — every sentence of the core in words, one catalogue file a language."""
