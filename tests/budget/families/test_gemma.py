"""Gemma 3 and Gemma 4 on tiny random models."""

from families import tiny_gemma
from families.checks import check_whole_way


def test_gemma3_goes_the_whole_way(tmp_path):
    check_whole_way(tiny_gemma.gemma3(tmp_path), rungs=(0, 1, 3), around=0.5)


def test_gemma4_goes_the_whole_way(tmp_path):
    check_whole_way(tiny_gemma.gemma4(tmp_path), rungs=(0, 1, 2))
