import pytest

from budget.budgets import Budget
from budget.risk import Risk
from experiments.evals.model_args import ModelArgs, parse_model_args, split_args


def read(text):
    return parse_model_args(split_args(text))


def test_a_model_alone_answers_at_the_full_scale():
    assert read("model=m3") == ModelArgs("m3")
    assert read("model=m3,policy=none") == ModelArgs("m3")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("mean_tokens=36", Budget(mean_tokens=36)),
        ("mean_flops=1e9", Budget(mean_flops=1e9)),
        ("mean_ms=4.5", Budget(mean_ms=4.5)),
        ("price=0", Budget(price=0)),
        ("risk=0.02:0.1", Budget(risk=Risk(0.02, 0.1))),
    ],
)
def test_a_policy_keeps_a_budget(text, budget):
    assert read(f"model=m3,policy=m3,{text}") == ModelArgs("m3", "m3", budget)


def test_a_total_is_split_with_a_policy_or_without():
    budget = Budget(total_visual_tokens=144)
    assert read("model=m3,total_visual_tokens=144") == ModelArgs("m3", None, budget)
    assert read("model=m3,policy=m3,total_visual_tokens=144") == ModelArgs("m3", "m3", budget)


def test_values_may_be_numbers_already():
    args = parse_model_args(
        {"model": "m3", "num_visual_tokens": 9, "batch_size": 8.0, "ladder": [1, 9], "policy": None}
    )
    assert args.budget == Budget(num_visual_tokens=9)
    assert (args.batch_size, args.loading) == (8, {"ladder": (1, 9)})


def test_all_that_runs_a_model_is_passed_on():
    args = read(
        "model=openai:http://127.0.0.1:8000/v1#name, dtype=bfloat16, device_map=auto,"
        'quantize=4,attention=eager,ladder="1,9,36",errors=empty,frames=8,seed=3,max_new_tokens=64,'
        "choices=out/a,b.jsonl"
    )
    assert args.model == "openai:http://127.0.0.1:8000/v1#name"
    assert args.loading == {
        "dtype": "bfloat16",
        "device_map": "auto",
        "quantize": 4,
        "attention": "eager",
        "ladder": (1, 9, 36),
    }
    assert (args.errors, args.frames, args.seed, args.max_new_tokens) == ("empty", 8, 3, 64)
    assert args.choices == "out/a,b.jsonl"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lack model=NAME_OR_FOLDER; legal are model, policy, num_visual_tokens, total"),
        ("m3", "name=value with commas between, got 'm3'; legal are model, policy"),
        ("model=m3,polcy=m3", "unknown model_args polcy=m3; legal are model, policy"),
        ("model=m3,model=mqt", "give model twice: 'm3' and 'mqt'"),
        ("model=", "model must not be empty"),
        ("model=m3,batch_size=auto", "batch_size must be a whole number from 1, got 'auto'"),
        ("model=m3,batch_size=0", "batch_size must be a whole number from 1, got '0'"),
        ("model=m3,batch_size=1.5", "batch_size must be a whole number from 1, got '1.5'"),
        ("model=m3,frames=inf", "frames must be a whole number from 1, got 'inf'"),
        ("model=m3,seed=-1", "seed must be a whole number from 0, got '-1'"),
        ("model=m3,policy=m3,price=cheap", "price must be a number, got 'cheap'"),
        ("model=m3,policy=m3,price=-1", "price must be finite and at least 0, got -1.0"),
        ("model=m3,policy=m3,risk=1", "a risk is two numbers, epsilon:delta such as"),
        ("model=m3,policy=m3,price=1,mean_ms=3", "a budget takes one of tokens, price"),
        ("model=m3,price=0.1", "price is a policy's to keep: give policy=NAME_OR_FOLDER too"),
        ("model=m3,policy=m3,num_visual_tokens=9", "leaves policy=m3 nothing to choose"),
        ("model=m3,ladder=9,1", "ladder must be rising numbers such as 1,9,36, got '9,1'"),
        (
            "model=m3,dtype=int3",
            "dtype must be one of bfloat16, float16, float32, got 'int3'; auto",
        ),
        ("model=m3,errors=ignore", "errors must be one of stop, empty, got 'ignore'"),
    ],
)
def test_what_is_not_legal_is_one_line_that_says_what_is(text, said):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        read(text)
    assert said in str(caught.value)


def test_truth_values_are_no_numbers():
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1, got True"):
        parse_model_args({"model": "m3", "batch_size": True})
