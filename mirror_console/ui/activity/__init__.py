"""The activity page: what the console has been doing."""
