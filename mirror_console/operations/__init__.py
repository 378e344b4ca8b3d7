"""What the program does, one module a verb or noun that an operator would say."""
