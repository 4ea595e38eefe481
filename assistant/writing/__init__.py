"""Evidence -> sentences with citations. `extractive` is the default and needs nothing; `llm` wants a language model."""
