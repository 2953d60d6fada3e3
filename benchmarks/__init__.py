"""Benchmarks that compare in one run: `make bench`. Absolute times mean nothing on shared machines; ratios do."""
