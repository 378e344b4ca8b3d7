"""Benchmarks: the console against the plain alternative, in one run and in turn, each with the ratio that it owes.

Every benchmark is a module with a `BENCHMARK`. To add one, write such a module and name it in `__main__`.
"""
