"""Files and folders that are whole or absent, their digests, and the cache folder."""
