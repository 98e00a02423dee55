"""One run from left to right: prepare, train, finish, evaluate, report."""
