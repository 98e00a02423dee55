"""The report, the model card and the closing summary of a run."""
