"""Logs of every format for the same three questions, as their tools lay them out."""

import json

import pytest

ASKED = ["What color?", "How many?", "What word?"]
RIGHT = ["red", "2", "bus"]


def write_lines(path, records):
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text(text, encoding="utf-8")
    return path


def lmms_record(number, answer, **metrics):
    return {
        "doc_id": number,
        "target": RIGHT[number],
        "filtered_resps": answer,
        "token_counts": [{"input_tokens": 40 + number, "output_tokens": 2}],
        "doc_hash": "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
        "input": f"{ASKED[number]}\nAnswer with a single word.",
        **metrics,
    }


def lm_record(number, answer, *, filter="none", **metrics):
    return {
        "doc_id": number,
        "doc": {"question": ASKED[number], "image": f"hash{number}"},
        "target": RIGHT[number],
        "arguments": {"gen_args_0": {"arg_0": f"<image>{ASKED[number]}", "arg_1": {"until": []}}},
        "resps": [[answer]],
        "filtered_resps": [answer],
        "filter": filter,
        "metrics": list(metrics),
        "doc_hash": "x",
        "prompt_hash": "y",
        "target_hash": "z",
        **metrics,
    }


def llava_record(number, answer, **more):
    return {
        "question_id": number,
        "prompt": f"{ASKED[number]}\nAnswer the question using a single word or phrase.",
        "text": answer,
        "answer_id": f"id{number}{answer}",
        "model_id": "m3",
        "metadata": {},
        **more,
    }


@pytest.fixture
def lines(tmp_path):
    """Write records as JSON lines and return the file."""
    return lambda name, records: write_lines(tmp_path / name, records)
