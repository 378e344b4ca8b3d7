"""The settings page: what the person may choose, and where things are kept."""
