"""The page of the mirrors."""
