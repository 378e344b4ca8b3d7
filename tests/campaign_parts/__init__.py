"""The fault campaign: faults on real engines while the program works, and after each the laws, asked by a checker."""
