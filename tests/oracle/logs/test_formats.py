import json
import pickle

import pytest

from budget.errors import DataError
from oracle.logs.folders import read_run
from oracle.logs.formats import FORMATS, read_log
from oracle.logs.rows import Choices

from .conftest import llava_record, lm_record, lmms_record, write_lines

TABLE = "index\tprediction\thit\n1\tred\t1\n"
MMR = "id,m9_correct,m9_cost\n1,1,9\n"


@pytest.fixture
def logs(tmp_path):
    """One log of every format that is a file, all under names that say nothing."""
    lmms, lm = lmms_record(0, "red", acc=1), lm_record(0, "red", acc=1)
    texts = {
        "lmms-eval": json.dumps(lmms) + "\n",
        "lm-eval": json.dumps(lm) + "\n",
        "llava": json.dumps(llava_record(0, "red")) + "\n",
        "vlmevalkit": TABLE,
        "mmr": MMR,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


def test_the_content_says_the_format(logs):
    for name, path in logs.items():
        assert read_log(path, None, Choices())[0] == name


def test_variants_of_a_format_are_known_too(tmp_path):
    texts = {
        "vlmevalkit": ['[{"index": 1, "prediction": "red"}]', TABLE.replace("\t", ",")],
        "lmms-eval": [
            json.dumps({"args": {}, "logs": [lmms_record(0, "red", acc=1)]}, indent=indent)
            for indent in (None, 4)
        ],
        "mmr": ["\N{BOM}\r\n" + MMR.replace("\n", "\r\n")],
    }
    for name, variants in texts.items():
        for text in variants:
            (tmp_path / "log").write_bytes(text.encode())
            assert read_log(tmp_path / "log", None, Choices())[0] == name


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "datasets"])
def test_a_wrong_format_is_refused_with_the_likely_one(logs, name):
    for other, path in logs.items():
        if other != name:
            with pytest.raises(DataError, match=f", line 1: not .*, it looks like {other}; it has"):
                read_log(path, name, Choices())


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b'{"a": 1}\n', "line 1: none of lmms-eval, .*; it has a"),
        (b"some words\nand more\n", "line 1: none of .*; it has some words"),
        (pickle.dumps([1]), "is a pickle, which is never loaded"),
        (b"\xff\xfe\x00", "line 1: no UTF-8 text"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path, content, match):
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(DataError, match=match):
        read_log(tmp_path / "log", None, Choices())


def test_an_unknown_format_lists_the_known(tmp_path):
    with pytest.raises(DataError, match="unknown format 'helm'; legal are lmms-eval, lm-eval"):
        read_log(tmp_path, "helm", Choices())


def test_the_tasks_of_a_run_become_one_log(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for task in ("pope", "gqa"):
        write_lines(folder / f"20261120_1_samples_{task}.jsonl", [lmms_record(0, "red", acc=1)])
    config = {"config": {"model_args": "num_visual_tokens=9"}}
    (folder / "20261120_1_results.json").write_text(json.dumps(config))
    found, (log,) = read_run(folder, None, Choices())
    assert found == "lmms-eval"
    assert [(row.key, row.group) for row in log.rows] == [("gqa/0", "gqa"), ("pope/0", "pope")]
    assert log.scale == 9


def test_a_folder_with_a_task_twice_or_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no logged samples"):
        read_run(tmp_path, None, Choices())
    for day in (1, 2):
        write_lines(tmp_path / f"{day}_samples_gqa.jsonl", [lmms_record(0, "red", acc=1)])
    with pytest.raises(DataError, match="task 'gqa' twice: 1_samples_gqa"):
        read_run(tmp_path, None, Choices())
