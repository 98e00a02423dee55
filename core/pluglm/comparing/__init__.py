"""What came of several runs: what differed, what it did, and whether that is more than chance."""
