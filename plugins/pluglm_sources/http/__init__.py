"""Fetching over HTTP: the client, its store, what was fetched, and the bases of the sources that fetch."""
