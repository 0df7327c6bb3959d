"""What the documentation says of the code, taken from the code: commands and public names."""
