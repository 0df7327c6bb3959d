import pytest

from budget.errors import DataError
from oracle.sources.hub import is_hub_id, open_hub
from oracle.sources.registry import is_remote


@pytest.mark.parametrize(
    ("word", "yes"),
    [
        ("owner/name", True),
        ("owner/name:config", True),
        ("owner/name@v1.0:default", True),
        ("name", False),
        ("a/b/c", False),
        ("owner/name:", False),
    ],
)
def test_what_looks_like_a_hub_id(word, yes):
    assert is_hub_id(word) is yes


def test_files_are_no_hub_ids_even_if_they_are_missing():
    assert not is_remote("folder/absent.parquet")
    assert is_remote("owner/name")


def test_revision_and_config_stand_in_the_error_of_what_cannot_be_reached():
    with pytest.raises(DataError, match=r"^nobody/nothing@main:x \(dev\) cannot be loaded"):
        open_hub("nobody/nothing@main:x", "dev")
