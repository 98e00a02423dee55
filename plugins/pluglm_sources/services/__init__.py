"""What single services write: arXiv, Google Books, Reddit and X."""
