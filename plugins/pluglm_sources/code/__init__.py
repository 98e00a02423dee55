"""What a repository of code holds: its files, their kind, their licence, and secrets in them."""
