"""The rules: frozen values and pure functions, on the standard library alone."""
