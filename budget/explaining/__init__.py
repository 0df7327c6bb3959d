"""What the visual tokens of an answer look at: heat maps over the image, for M3 and MQT.

``budget.explaining.heat.heat_maps`` computes them, ``budget.explaining.drawing`` draws them, and
``budget.explaining.queries`` reads what each query of an MQT model attends to.
"""
