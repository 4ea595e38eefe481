"""Articles -> passages -> one published generation. Knows nothing of questions."""
