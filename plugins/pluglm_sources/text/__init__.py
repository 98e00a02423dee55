"""From bytes of a format (HTML, LaTeX, JATS, EPUB, PDF) to readable text."""
