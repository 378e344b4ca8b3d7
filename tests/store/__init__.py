"""The catalog, tested on real files."""
