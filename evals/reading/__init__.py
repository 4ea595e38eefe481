"""How the reader is trained: our own questions over public texts, as groups of sentences that answer or do not."""
