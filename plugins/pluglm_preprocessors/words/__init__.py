"""Characters, words and runs of words: how text is cut, counted and compared."""
