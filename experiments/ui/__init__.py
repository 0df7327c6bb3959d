"""A page to try a model on: ask about a picture, move the tokens, see why and what is saved."""
