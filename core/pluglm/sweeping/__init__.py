"""Many runs from one line: their configs, their cost, their processes, and what becomes of them."""
