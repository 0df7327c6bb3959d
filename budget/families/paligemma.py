"""How PaliGemma's prompts are written, which no chat template of its own says.

Its processor puts the start token behind the images and a line break behind the text, and the model
reads a prompt in both directions wherever a token's type is 0.
"""

PALIGEMMA = "PaliGemmaProcessor"
# MARK stands for the placeholder.
TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}MARK{% endif %}{% endfor %}{% endfor %}{{ bos_token }}"
    "{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}{{ '\\n' }}"
)
