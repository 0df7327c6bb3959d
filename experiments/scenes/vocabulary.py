"""What scenes are made of, in words: kinds, colours, backgrounds, the lexicon, and phrasings."""

SHAPES = ("circle", "square", "triangle", "cross", "ring", "diamond", "star", "moon")
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 225),
    "yellow": (240, 220, 50),
    "purple": (140, 50, 170),
    "orange": (245, 140, 30),
    "cyan": (60, 205, 215),
    "pink": (245, 130, 180),
}
COLOUR_NAMES = tuple(COLOURS)
DIGITS = tuple(str(digit) for digit in range(10))
WORDS = (
    "bed", "box", "bus", "cat", "cup", "dog", "egg", "fan", "hat", "ice", "ink", "jam",
    "key", "leg", "map", "net", "owl", "pen", "rug", "sun", "tea", "van", "web", "zoo",
)  # fmt: skip
BACKGROUNDS = ("plain", "stripes", "checks", "dots", "temple", "flower")
TIMES = ("day", "night")

GROUPS = (
    "global",
    "existence",
    "counting",
    "attribute",
    "relation",
    "comparison",
    "digit",
    "word",
)

# Questions by kind; braces are filled from the scene. Several phrasings each, so that a policy must
# read the question rather than match one string.
PHRASINGS: dict[str, tuple[str, ...]] = {
    "background": (
        "What is the background?",
        "Which background does the picture have?",
        "What kind of background is this?",
    ),
    "time": ("Is it day or night?", "Does this show day or night?"),
    "exists": (
        "Is there a {colour} {shape}?",
        "Does the picture show a {colour} {shape}?",
        "Can you see a {colour} {shape}?",
    ),
    "kind_exists": (
        "Is there a {shape}?",
        "Does the picture show a {shape}?",
        "Can you see a {shape}?",
    ),
    "count": (
        "How many {shape} shapes are there?",
        "Count the {shape} shapes.",
        "What is the number of {shape} shapes?",
    ),
    "colour_of": (
        "What color is the {shape}?",
        "Which color does the {shape} have?",
        "Name the color of the {shape}.",
    ),
    "shape_of": (
        "What shape is the {colour} one?",
        "Which shape is {colour}?",
        "Name the shape that is {colour}.",
    ),
    "shape_on": (
        "What shape is on the {plate} plate?",
        "Which shape lies on the {plate} plate?",
    ),
    "colour_on": (
        "What color is the shape on the {plate} plate?",
        "Which color lies on the {plate} plate?",
    ),
    "largest_colour": (
        "What color is the largest shape?",
        "Which color does the biggest shape have?",
    ),
    "largest_shape": ("What is the largest shape?", "Which shape is the biggest?"),
    "digit": (
        "What digit is on the {plate} plate?",
        "Read the digit on the {plate} plate.",
        "Which number is written on the {plate} plate?",
    ),
    "word": (
        "What word is on the {plate} plate?",
        "Read the word on the {plate} plate.",
        "What does the {plate} plate say?",
    ),
}
# Asked in training only: they say what a caption says, several lookups in one answer.
LISTS = {
    "colours_first": "List shapes by color.",
    "kinds_first": "List shapes by kind.",
    "plates": "List the plates.",
}
