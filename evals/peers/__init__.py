"""Other libraries on the same collections: each runs in an environment of its own, with the same model and threads."""
