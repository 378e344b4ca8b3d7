"""The page of the engines and registries."""
