"""Training recipes for small Matryoshka vision-language models, from nothing."""
