"""Documents to examples, examples to batches."""
