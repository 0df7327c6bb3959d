"""Tables as RouterBench writes them, with answers drawn by a rule that is known."""

import csv
from typing import NamedTuple

import numpy as np

# Dollars per million tokens of prompt and answer, about what providers asked in early 2024, and
# what the models are good for: score at the easiest prompts and how much the hardest take off.
MODELS = {
    "mistralai/mistral-7b-chat": (0.2, 0.2, 0.88, 0.85),
    "WizardLM/WizardLM-13B-V1.2": (0.3, 0.3, 0.90, 0.78),
    "mistralai/mixtral-8x7b-chat": (0.6, 0.6, 0.93, 0.62),
    "meta/code-llama-instruct-34b-chat": (0.776, 0.776, 0.60, 0.50),
    "zero-one-ai/Yi-34B-Chat": (0.8, 0.8, 0.96, 0.50),
    "meta/llama-2-70b-chat": (0.9, 0.9, 0.80, 0.70),
    "claude-instant-v1": (0.8, 2.4, 0.95, 0.50),
    "gpt-3.5-turbo-1106": (1.0, 2.0, 0.96, 0.47),
    "claude-v1": (8.0, 24.0, 0.97, 0.40),
    "claude-v2": (8.0, 24.0, 0.97, 0.41),
    "gpt-4-1106-preview": (10.0, 30.0, 0.99, 0.25),
}
_EASY = ("name the colour of", "say yes or no about", "repeat", "spell", "pick the letter of")
_HARD = ("prove", "derive the integral of", "write a function that sorts", "count the moves in")
_THINGS = ("a red door", "seven boats", "the old bridge", "a list of lists", "two trains", "law")


class RouterTable(NamedTuple):
    """Columns as they stand in a file, and the difficulty that nobody is told."""

    columns: dict[str, list]
    difficulty: np.ndarray


def router_table(count, *, seed=0, models=MODELS):
    """Draw a table: difficulty in [0, 1], which a prompt's words show in part."""
    rng = np.random.default_rng(seed)
    difficulty = rng.random(count)
    words = [_prompt(rng, hard) for hard in difficulty]
    groups = np.where(rng.random(count) < 0.25 + 0.5 * difficulty, "grade-school-math", "hellaswag")
    columns = {
        "sample_id": [f"{group}.val.{i}" for i, group in enumerate(groups)],
        "prompt": [str([word]) for word in words],
        "eval_name": groups.tolist(),
    }
    tokens = np.array([len(word.split()) * 1.3 for word in words])
    # Half of the luck is the prompt's own, so that models fail together more often than not.
    luck, costs = rng.random(count), {}
    for name, (prompt_price, answer_price, easy, fall) in models.items():
        own = np.where(rng.random(count) < 0.5, luck, rng.random(count))
        right = own < easy - fall * difficulty
        columns[name] = np.where(right, 1.0, rng.choice([0.0, 0.25], count)).tolist()
        columns[f"{name}|model_response"] = [str(["A"])] * count
        answers = rng.lognormal(3.5, 0.8, count)
        costs[name] = ((tokens * prompt_price + answers * answer_price) / 1e6).tolist()
    columns |= {f"{name}|total_cost": paid for name, paid in costs.items()}
    cheapest = sorted(models, key=lambda name: np.mean(costs[name]))
    columns["oracle_model_to_route_to"] = [
        next((name for name in cheapest if columns[name][i] == 1.0), "no_model_correct")
        for i in range(count)
    ]
    return RouterTable(columns, difficulty)


def _prompt(rng, hard):
    task = rng.choice(_HARD if rng.random() < hard else _EASY)
    things = " and ".join(rng.choice(_THINGS, 2 + int(hard * 4)))
    return f"Please {task} {things} ({rng.integers(1_000_000)})."


def write_csv(path, columns, delimiter=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
