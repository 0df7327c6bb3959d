"""The model ``budget`` of lm-evaluation-harness; importing this module registers it, and needs it.

Its registry has no entry points, so ``experiments.evals.lm_eval`` begins its command line in its
place.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from budget.errors import DataError
from experiments.evals.harness_model import HarnessModel, Request
from experiments.evals.media import Media
from experiments.evals.model_args import parse_model_args, split_args
from experiments.evals.places import Place, Places
from experiments.evals.prompts import Prompted, PromptReader
from experiments.evals.weighing import Weighed, weigh

# With --apply_chat_template a context is a conversation, which the tool wants as a text.
_CHAT = '{"budget_chat": '
_DEFAULT_DEVICE = "cuda:0"
_logger = logging.getLogger("lm_eval.budget")  # the tool shows what its own loggers say


@register_model("budget")
class BudgetLM(LM):
    """Answers lm-evaluation-harness's tasks, with pictures or without.

    Args:
        model_args: by name; see ``experiments.evals.model_args``.

    Raises:
        BudgetError: if model or policy cannot be loaded.
        ValueError: if an argument is not legal.
    """

    MULTIMODAL = True

    def __init__(self, **model_args: Any) -> None:
        super().__init__()
        args = parse_model_args(model_args)
        self.harness = HarnessModel(args, say=_logger.info, warn=_logger.warning)
        self._reader = PromptReader(Media(args.frames), _logger.warning)
        self._places = Places()

    @classmethod
    def create_from_arg_string(
        cls, arg_string: str, additional_config: dict[str, Any] | None = None
    ) -> "BudgetLM":
        """Return the model that a text of ``name=value`` names."""
        return cls.create_from_arg_obj(split_args(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(
        cls, arg_dict: Mapping[str, Any], additional_config: dict[str, Any] | None = None
    ) -> "BudgetLM":
        """Return the model that names and values say; they win over flags of one name."""
        flags = {name: (additional_config or {}).get(name) for name in ("batch_size", "device")}
        if flags["device"] == _DEFAULT_DEVICE:  # said whether or not there is one
            del flags["device"]
        given = {name: value for name, value in flags.items() if value is not None}
        return cls(**given | dict(arg_dict))

    @property
    def tokenizer_name(self) -> str:
        """What requests that are kept between runs are told apart by."""
        return f"budget-{self.harness.vlm.model.name}"

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Return a conversation as a text; the model's own template writes it later."""
        return f"{_CHAT}{json.dumps(chat_history, ensure_ascii=False)}}}"

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Answer requests, in input order; say what all answers so far cost."""
        answers = self.harness.answer([self._request(each) for each in requests])
        self.harness.say_report()
        return ["" if answer is None else answer.text for answer in answers]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Return per request the log-likelihood of its answer, and whether it would be said."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i, each in enumerate(requests):
            groups.setdefault((each.task_name, each.doc_id, each.args[0]), []).append(i)
        weighed = weigh(
            self.harness,
            [self._weighed([requests[i] for i in rows]) for rows in groups.values()],
        )
        self.harness.say_report()
        found: dict[int, tuple[float, bool]] = {}
        for rows, likelihoods in zip(groups.values(), weighed, strict=True):
            for i, each in zip(rows, likelihoods, strict=True):
                found[i] = (each.log_likelihood, each.greedy)
        return [found[i] for i in range(len(requests))]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Refuse: a text on its own has no picture, so there is nothing to choose."""
        raise NotImplementedError("budget answers questions; the likelihood of a text is not read")

    def _place(self, request: Instance) -> Place:
        return self._places.next(request.task_name, request.doc_id, request.idx)

    def _request(self, request: Instance) -> Request:
        context, arguments, *shown = request.args
        return Request(self._place(request), partial(self._load, context, shown), arguments)

    def _weighed(self, requests: Sequence[Instance]) -> Weighed:
        context, _, *shown = requests[0].args
        texts = tuple(str(each.args[1]) for each in requests)
        load = partial(self._load, context, shown)
        return Weighed(self._place(requests[0]), load, {}, True, texts)

    def _load(self, context: str, shown: Sequence[Mapping[str, Any]]) -> Prompted:
        given = shown[0] if shown else {}
        if given.get("audio"):
            raise DataError("a document has sound, which no model here hears")
        if context.startswith(_CHAT):
            history = json.loads(context)["budget_chat"]
            return self._reader.history(history, given.get("visual"))
        return self._reader.text(context, given.get("visual"))
