"""How the tables of the catalog came to their form, step by step."""
