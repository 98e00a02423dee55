"""Documents on their way from the sources to the two splits."""
