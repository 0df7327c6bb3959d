"""A proxy that decides the visual budget in front of a server that runs already.

It speaks OpenAI's chat completions on both sides. For every request with images a policy chooses a
rung, and the rung becomes what that server understands: a knob of its image processor, or a smaller
image. Whatever goes wrong with the decision, the request is passed on as it came.
"""
