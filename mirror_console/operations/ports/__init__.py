"""What operations need of the catalog, the engines and the keyring: their only way to reach them."""
