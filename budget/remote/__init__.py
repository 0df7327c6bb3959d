"""Models that run elsewhere, behind a server of OpenAI's chat completions.

Needs the extra ``remote`` (the ``openai`` client); importing this package does not.
"""
