"""Benchmarks: every target in one run, interleaved, reported as ratios.  Absolute times mean nothing on a busy machine."""
