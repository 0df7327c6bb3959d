from pathlib import Path

from oracle.run_folder.identity import code_version, weights_hash

ORIGINAL = Path(__file__).parents[2] / "fixtures" / "m3_original"


def copied(folder, **changed):
    for path in ORIGINAL.rglob("*"):
        target = folder / path.relative_to(ORIGINAL)
        if path.is_dir():
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for name, content in changed.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_copy_of_a_model_has_its_hash_and_a_changed_one_another(tmp_path):
    own = weights_hash(ORIGINAL)
    assert weights_hash(copied(tmp_path / "copy")) == own
    changes = ["model.safetensors", "config.json", "tokenizer.model"]
    changes += ["vision_tower/model.safetensors"]
    for number, name in enumerate(changes):
        folder = copied(tmp_path / str(number))
        with (folder / name).open("ab") as file:
            file.write(b" ")
        assert weights_hash(folder) != own, name


def test_files_that_do_not_make_the_model_do_not_count(tmp_path):
    folder = copied(tmp_path / "copy", **{"README.md": b"mine", "figures.json": b"{}"})
    (folder / "checkpoint-1").mkdir()
    (folder / "checkpoint-1" / "model.safetensors").write_bytes(b"older")
    assert weights_hash(folder) == weights_hash(ORIGINAL)


def test_a_file_that_is_renamed_counts(tmp_path):
    folder = copied(tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    assert weights_hash(folder) != weights_hash(ORIGINAL)


def test_the_code_version_is_one_word_for_one_code():
    assert code_version() == code_version()
    assert code_version().count("(") == 1
