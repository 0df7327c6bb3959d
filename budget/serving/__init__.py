"""What a server of OpenAI's chat completions needs; its web framework is the extra ``serve``."""
