"""Contractions that are one word with or without their apostrophe, after the VQA evaluation.

The list is that of the official code of Antol et al. 2015 (``vqaEval.py``). What is another word
without its apostrophe ("well", "its", "shed", "were") is not in it.
"""

_WORDS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's i'd've i'm i've isn't it'd it'd've it'll ma'am
might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't shan't she'd've
should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've
someone'll someone's something'd something'd've something'll that's there'd there'd've there're
there's they'd they'd've they'll they're they've wasn't we'd've we've weren't what'll what're
what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're
why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've you'll you're
you've
"""

# Each word with one of its apostrophes left out -> the word.
CONTRACTIONS: dict[str, str] = {
    word[:i] + word[i + 1 :]: word
    for word in _WORDS.split()
    for i, character in enumerate(word)
    if character == "'"
}
