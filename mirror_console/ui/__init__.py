"""The window: every page, widget and word that an operator sees; the only package, beside app, that knows Qt."""
