"""Estimates of what a run takes: time, memory, storage and cost."""
