"""The faults of the campaign, by what they happen to."""
