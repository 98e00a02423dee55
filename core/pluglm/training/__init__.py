"""The training loop and the state that makes it resumable."""
