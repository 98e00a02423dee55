"""Compressed files, archives and WARC files, read in bounded memory and on past damage."""
