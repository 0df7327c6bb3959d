"""What fits is known before a request waits for its turn."""

import pytest
from echo_server import EchoModel

from budget.budgets import Budget
from budget.chat import Chat, Turn
from budget.errors import PolicyError
from budget.serving.errors import RequestError
from budget.serving.prompts import check_budget, fitting_budgets, fitting_total

FIXED = Budget(num_visual_tokens=4)


def fitting(words, *budgets):
    chat = Chat((Turn("user", " ".join(["word"] * words), len(budgets)),))
    return fitting_budgets(EchoModel(), [None] * len(budgets), chat, budgets)


def test_budgets_stay_where_the_largest_scale_fits():
    assert fitting(164, None) == (None,)
    assert fitting(200) == ()
    price = Budget(price=0.1)
    assert fitting(100, price, FIXED) == (price, FIXED)


def test_where_it_does_not_the_largest_scale_that_fits_is_taken():
    assert fitting(165, None) == (FIXED,)  # of 200, for scales 1, 4 and 36
    assert fitting(197, None, None) == (Budget(num_visual_tokens=1),) * 2
    assert fitting(195, None, FIXED) == (Budget(num_visual_tokens=1), FIXED)


@pytest.mark.parametrize(("words", "budgets"), [(201, ()), (200, (None,)), (197, (FIXED,))])
def test_what_fits_at_no_scale_is_refused(words, budgets):
    with pytest.raises(RequestError, match="too long") as refused:
        fitting(words, *budgets)
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "messages")


def test_a_conversation_that_the_template_refuses_is_the_clients_to_know():
    class Strict(EchoModel):
        def count_text_tokens(self, question, images=1):
            raise ValueError("roles must alternate")

    with pytest.raises(RequestError, match="messages: roles must alternate") as refused:
        fitting_budgets(Strict(), [], Chat((Turn("user", "?"),)), [])
    assert refused.value.code == "invalid_value"


class Three(EchoModel):
    """Sees an image in as many squares as it is wide."""

    def realised(self, image):
        return [m * image for m in self.ladder]


def fitting_three(words, images, total):
    chat = Chat((Turn("user", " ".join(["word"] * words), len(images)),))
    return fitting_total(Three(), images, chat, total)


def test_a_total_stays_unless_the_prompt_would_be_too_long():
    assert fitting_three(10, [1, 1], 50) == Budget(total_visual_tokens=50)
    assert fitting_three(10, [1, 1], 10**6) == Budget(total_visual_tokens=10**6)
    # 36 each do not fit beside 165 words of 200, but 4 each do, which is what there is to split.
    assert fitting_three(165, [1], 50) == Budget(total_visual_tokens=4)
    assert fitting_three(165, [1], 3) == Budget(total_visual_tokens=3)


def test_a_total_below_the_cheapest_is_the_client_s_to_know():
    with pytest.raises(RequestError, match=r"budget\.total_visual_tokens: .* take 5 at") as refused:
        fitting_three(10, [2, 3], 4)
    assert refused.value.param == "budget.total_visual_tokens"
    with pytest.raises(RequestError, match="too long") as refused:
        fitting_three(200, [1], 50)
    assert refused.value.code == "context_length_exceeded"


def test_a_budget_that_model_or_policy_cannot_meet_is_refused_by_its_field():
    class Choosy:
        def check_budget(self, budget):
            raise PolicyError("not calibrated for milliseconds")

    with pytest.raises(RequestError, match="5 tokens") as refused:
        check_budget(EchoModel(), None, Budget(num_visual_tokens=5))
    assert refused.value.param == "budget.num_visual_tokens"
    with pytest.raises(RequestError, match="not calibrated") as refused:
        check_budget(EchoModel(), Choosy(), Budget(mean_ms=3))
    assert refused.value.param == "budget.mean_ms"
    check_budget(EchoModel(), Choosy(), FIXED)
    check_budget(EchoModel(), Choosy(), None)
    check_budget(EchoModel(), None, Budget(mean_ms=3))
