"""Models whose processor has a knob for visual tokens, one adapter a family.

A scale of such a model is a cap: the visual tokens that an image costs at most. What it really
costs depends on its shape and is counted after the processor.
"""
