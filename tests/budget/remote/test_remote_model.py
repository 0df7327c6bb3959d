"""Knobs, realised tokens and confidence, against a real server on loopback."""

import asyncio
import math

import pytest
from odd_server import LOW, PIXELS, odd_server
from PIL import Image

from budget.chat import Chat, Turn
from budget.errors import ModelError
from budget.models import load_model
from budget.sampling import Generation

SMALL = Image.new("RGB", (128, 64), "red")  # 8 tokens
LARGE = Image.new("RGB", (256, 256), "blue")  # 64 tokens
KNOBS = [{"max_pixels": 4 * PIXELS}, {"max_pixels": 16 * PIXELS}, {"max_pixels": 64 * PIXELS}]
LADDER = (4, 16, 64)


@pytest.fixture
def remote():
    """Loads served models and closes them."""
    loaded = []

    def load(address, **words):
        loaded.append(load_model(address, **words))
        return loaded[-1]

    yield load
    for model in loaded:
        model.close()


@pytest.mark.parametrize("dialect", ["vllm", "transformers", "resize"])
@pytest.mark.parametrize("tells", [True, False])
def test_each_rung_is_said_and_its_tokens_are_counted(remote, dialect, tells):
    least = 3 if dialect == "resize" else 4  # 4050 pixels: whole ones in the image's shape
    with odd_server(knob=dialect, tells=tells) as (address, odd):
        model = remote(address, dialect=dialect, ladder=LADDER, knobs=KNOBS)
        before = len(odd.bodies)
        rows = model.timed_every_scale([SMALL, LARGE], ["one", "two too"], max_new_tokens=5)
        found = [[each.answer for each in row] for row in rows]
        assert [[a.num_visual_tokens for a in row] for row in found] == [[least, 8, 8], [4, 16, 64]]
        assert [a.text for a in found[1]] == [f"two too saw {m}" for m in LADDER]
        assert [a.prompt_tokens for a in found[1]] == [5 + m for m in LADDER]
        assert {(a.token_ids, a.grids, a.finish_reason) for a in found[0]} == {
            ((-1, -1), 1, "stop")
        }
        assert all(each.seconds >= 0.002 for row in rows for each in row)
        # Of the small image the two larger rungs send the same where the client resizes.
        asked = 5 if dialect == "resize" else 6
        bodies = odd.bodies[before:]
        assert sum("image_url" in str(body) for body in bodies) == asked
        assert (len(bodies) > asked) == (not tells)
        assert model.realised(LARGE) == list(LADDER)


def test_of_per_request_knobs_the_largest_holds_and_sizes_are_each_images_own(remote):
    with odd_server(knob="vllm") as (address, _):
        model = remote(address, dialect="vllm", ladder=LADDER, knobs=KNOBS)
        (answer,) = model.answer([[LARGE, LARGE]], ["?"], num_visual_tokens=[[4, 16]])
        assert (answer.num_visual_tokens, answer.grids) == (32, 2)
    with odd_server() as (address, _):
        model = remote(address, dialect="resize", ladder=LADDER, knobs=KNOBS)
        (answer,) = model.answer([[LARGE, LARGE]], ["?"], num_visual_tokens=[[4, 16]])
        assert answer.num_visual_tokens == 20


def test_detail_is_a_word_for_each_image(remote):
    with odd_server(knob="detail") as (address, odd):
        model = remote(address, dialect="detail", ladder=(7, 64))
        (answer,) = model.answer([[LARGE, LARGE]], ["?"], num_visual_tokens=[[7, 64]])
        assert answer.num_visual_tokens == LOW + 64
        words = [{"detail": "low"}, {"detail": "auto"}, {"detail": "high"}]
        three = remote(address, dialect="detail", ladder=(7, 8, 9), knobs=words)
        three.answer([LARGE], ["?"], num_visual_tokens=8)
        assert "'detail': 'auto'" in str(odd.with_images[-1])


@pytest.mark.parametrize("dialect", ["vllm", "transformers", "resize", "detail"])
def test_a_server_that_ignores_the_knob_is_refused_when_loading(dialect):
    fixed = 50 if dialect == "resize" else None
    knobs = [{"detail": d} for d in ("low", "auto", "high")] if dialect == "detail" else KNOBS
    with odd_server(fixed=fixed) as (address, _):
        words = {"dialect": dialect, "ladder": LADDER, "knobs": knobs}
        with pytest.raises(
            ModelError,
            match=f"at the rung of 4 and at that of 64: it ignores the dialect '{dialect}'",
        ):
            load_model(address, **words)
        load_model(address, probe=False, **words).close()


def test_a_server_that_refuses_the_knob_is_told_of_in_one_line():
    why = r"127.0.0.1:\d+/v1 answered 422: Unexpected fields"
    with odd_server(strict=True) as (address, _), pytest.raises(ModelError, match=why):
        load_model(address, dialect="vllm", ladder=LADDER, knobs=KNOBS)


def test_without_scales_of_the_server_they_must_be_said():
    with odd_server() as (address, _):
        with pytest.raises(ModelError, match="tells no scales of 'odd'; say with dialect, ladder"):
            load_model(address)
        with pytest.raises(ValueError, match="needs one knob for each of the 3 rungs, got 2"):
            load_model(address, dialect="vllm", ladder=LADDER, knobs=KNOBS[:2])
        with pytest.raises(ValueError, match="'budget' takes no knobs"):
            load_model(address, dialect="budget", ladder=LADDER, knobs=KNOBS)
        with pytest.raises(ModelError, match=r"says nothing of scales where \[4\] were"):
            load_model(address, dialect="budget", ladder=(4, 16))


def test_confidence_comes_from_log_probabilities_where_there_are_some(remote):
    words = {"dialect": "resize", "ladder": LADDER, "knobs": KNOBS}
    with odd_server(logprobs=True) as (address, _):
        model = remote(address, **words)
        (answer,) = model.answer([LARGE], ["?"], num_visual_tokens=4)
        assert model.tells_confidence
        assert answer.confidence == pytest.approx(-0.3)
        assert answer.margin == pytest.approx(math.exp(-0.5) - math.exp(-1.5))
        assert math.isnan(answer.entropy)
        quiet = remote(address, logprobs=False, **words)
        (answer,) = quiet.answer([LARGE], ["?"], num_visual_tokens=4)
        assert math.isnan(answer.confidence)
        assert not quiet.tells_confidence
    for strict in (False, True):
        with odd_server(strict=strict) as (address, odd):
            model = remote(address, **words)
            (answer,) = model.answer([LARGE], ["?"], num_visual_tokens=4)
            assert math.isnan(answer.confidence)
            assert not model.tells_confidence
            assert "logprobs" not in odd.bodies[-1]
            with pytest.raises(ModelError, match="422" if strict else "no log-probabilities"):
                load_model(address, logprobs=True, **words)


def test_conversations_questions_without_images_and_drawing_are_sent_as_they_are(remote):
    with odd_server() as (address, odd):
        model = remote(address, dialect="resize", ladder=LADDER, knobs=KNOBS)
        chat = Chat(
            (Turn("system", "Be short."), Turn("user", "Look.", 1), Turn("assistant", "Yes"),
             Turn("user", "And?", 1))
        )  # fmt: skip
        how = Generation(max_new_tokens=9, temperature=0.5, top_p=0.9, seed=3, stop=("x",))
        seen = model.answer(
            [[SMALL, LARGE], None], [chat, "Why not?"], num_visual_tokens=64,
            generation=[how, Generation()],
        )  # fmt: skip
        assert [a.num_visual_tokens for a in seen] == [72, 0]
        assert [a.grids for a in seen] == [2, 0]
        body = next(b for b in odd.bodies if "And?" in str(b) and "image_url" in str(b))
        assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
        assert [part["type"] for part in body["messages"][3]["content"]] == ["image_url", "text"]
        drawn = {k: body[k] for k in ("max_tokens", "temperature", "top_p", "seed", "stop")}
        assert drawn == {
            "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["x"]
        }  # fmt: skip


def test_a_listener_hears_every_text_once(remote):
    class Ears:
        def __init__(self):
            self.heard = {}

        def text(self, i, piece):
            assert i not in self.heard
            self.heard[i] = piece

        def cancelled(self, i):
            return False

    with odd_server() as (address, _):
        model = remote(address, dialect="resize", ladder=LADDER, knobs=KNOBS)
        ears = Ears()
        found = model.answer([SMALL] * 3, ["a", "b", "c"], num_visual_tokens=4, listener=ears)
        assert ears.heard == {i: each.text for i, each in enumerate(found)}


def test_no_more_requests_are_under_way_than_allowed(remote):
    with odd_server() as (address, odd):
        words = {"dialect": "resize", "ladder": LADDER, "knobs": KNOBS, "probe": False}
        remote(address, concurrency=3, **words).timed_every_scale(
            [SMALL] * 12, [f"q {i}" for i in range(12)], max_new_tokens=1
        )
        assert odd.most == 3


def test_it_answers_inside_an_event_loop_and_says_what_it_cannot(remote):
    with odd_server() as (address, _):
        model = remote(address, dialect="resize", ladder=LADDER, knobs=KNOBS)

        async def inside():
            return model.answer([SMALL], ["?"], num_visual_tokens=4)

        (answer,) = asyncio.run(inside())
        assert math.isnan(model.answer_cost(answer).flops)
        assert math.isnan(model.full_flops(answer, SMALL))
        assert model.count_text_tokens("three words here") == 6
        with pytest.raises(ModelError, match="no image features here"):
            model.encode([SMALL])
        with pytest.raises(ValueError, match="5 is no scale of this ladder; it has 4, 16, 64"):
            model.answer([SMALL], ["?"], num_visual_tokens=5)


def test_a_key_is_sent_and_never_told(remote, monkeypatch):
    monkeypatch.setenv("ODD_KEY", "s3cret")
    monkeypatch.setenv("OPENAI_API_KEY", "for another server")
    words = {"dialect": "resize", "ladder": LADDER, "knobs": KNOBS, "probe": False}
    with odd_server() as (address, odd):
        model = remote(address, api_key_env="ODD_KEY", **words)
        model.answer([SMALL], ["?"], num_visual_tokens=4)
        assert set(odd.keys) == {"Bearer s3cret"}
        assert "s3cret" not in str(model.served)
        odd.keys.clear()
        remote(address, **words).answer([SMALL], ["?"], num_visual_tokens=4)
        assert set(odd.keys) == {"Bearer none"}
