"""A hostile engine: what it says, how it sends it, and a console that has to live with it."""
