"""Local files: globs, lines, JSON and records, and the bases of the sources that read them."""
