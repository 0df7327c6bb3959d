import pytest

from budget.errors import DataError
from oracle.logs.mmr_bench import read_mmr_bench
from oracle.logs.rows import Choices

TABLE = (
    "question,answer,dataset_idx,small_prediction,small_correct,big_correct,small_cost,big_cost\n"
    "What?,red,OCRBench_0,[EMPTY_RESPONSE],0.0,True,36,576\n"
    "How?,2,OCRBench_1,2,1.0,1,36,576\n"
)


def read(tmp_path, text=TABLE, **choices):
    (tmp_path / "t.csv").write_text(text)
    return read_mmr_bench(tmp_path / "t.csv", "csv", Choices(**choices))


def test_an_option_is_a_scale_by_its_whole_cost(tmp_path):
    small, big = read(tmp_path)
    assert (small.scale, big.scale) == (36, 576)
    assert [row.score for row in small.rows] == [0.0, 1.0]
    assert [row.score for row in big.rows] == [1.0, 1.0]
    assert [row.answer for row in small.rows] == ["", "2"]
    assert [(row.key, row.group) for row in big.rows] == [
        ("OCRBench_0", "OCRBench"),
        ("OCRBench_1", "OCRBench"),
    ]
    assert small.rows[0].references == ("red",)


def test_a_user_says_the_scales_where_costs_are_money(tmp_path):
    money = TABLE.replace(",36,", ",0.03,")
    with pytest.raises(DataError, match=r"no numbers of tokens.*--options small=TOKENS,big=TOKENS"):
        read(tmp_path, money)
    assert [log.scale for log in read(tmp_path, money, options={"big": 9, "small": 1})] == [9, 1]
    with pytest.raises(DataError, match="no option 'huge'; it has small, big"):
        read(tmp_path, money, options={"huge": 9})


def test_costs_that_vary_are_not_rounded_to_a_scale(tmp_path):
    with pytest.raises(DataError, match="are no numbers of tokens"):
        read(tmp_path, TABLE.replace("2,1.0,1,36", "2,1.0,1,37"))


def test_a_name_says_the_scale_and_its_cost_the_tokens_used(tmp_path):
    logs = read(tmp_path, TABLE.replace("small_", "m9_").replace("big_", "144_"))
    assert [log.scale for log in logs] == [9, 144]
    assert [row.num_visual_tokens for row in logs[1].rows] == [576, 576]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (TABLE.replace("0.0,True", "maybe,True"), "line 2: small_correct must be a number, got 'm"),
        (TABLE.replace("dataset_idx", "name"), "it lacks one of dataset_idx, id, sample_id, index"),
        (TABLE.replace("_correct", "_right"), "it lacks <option>_correct; it has question, answer"),
    ],
)
def test_another_table_is_refused(tmp_path, text, match):
    with pytest.raises(DataError, match=match):
        read(tmp_path, text)
