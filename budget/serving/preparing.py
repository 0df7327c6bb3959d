"""From the bytes of a request to a job: parsed, checked and decoded, off the event loop."""

import asyncio
from typing import NamedTuple

from PIL.Image import Image

from budget.budgets import Budget
from budget.planning import SampleBudget
from budget.serving.chat_requests import Ask, ImageRef, read_ask
from budget.serving.errors import RequestError
from budget.serving.jobs import Question
from budget.serving.parsing import parse_request
from budget.serving.prompts import (
    Meets,
    Runner,
    check_budget,
    check_scale,
    fitting_budgets,
    fitting_total,
    tokens_by_scale,
)
from budget.serving.request_images import RequestImages
from budget.serving.room import ImageRoom
from budget.serving.schema import ChatRequest
from budget.serving.settings import ServeSettings
from budget.serving.tickets import Ticket


class Prepared(NamedTuple):
    """A request that can wait for its turn.

    Attributes:
        request: as parsed.
        question: what the model is asked.
        tokens: per image, the visual tokens that it costs at every scale that it may be given.
    """

    request: ChatRequest
    question: Question
    tokens: tuple[dict[int, int], ...]


class Preparing:
    """Prepares requests; parsing and decoding run on the loop's default executor.

    Args:
        runner: the model, asked for scales and the length of prompts.
        model_id: the one id that requests may name.
        images: loads the images of requests.
        settings: limits and defaults.
        policy: asked whether it can meet a request's budget; None takes all.
    """

    def __init__(
        self,
        runner: Runner,
        model_id: str,
        images: RequestImages,
        settings: ServeSettings,
        policy: Meets | None = None,
    ) -> None:
        self.runner, self.model_id, self.policy = runner, model_id, policy
        self.images, self.settings = images, settings
        self.room = ImageRoom(settings.max_decoded_bytes, settings.decode_threads)

    async def prepare(self, body: bytes, ticket: Ticket) -> Prepared:
        """Return what a body asks for.

        Args:
            body: the bytes of the request.
            ticket: of the request; its memory is counted until it leaves.

        Raises:
            RequestError: if the request cannot be served, with the reason.
        """
        request, ask = await asyncio.to_thread(self._parse, body)
        pictures = await self._load(ask.images, ticket)
        question, tokens = await asyncio.to_thread(self._question, ask, pictures)
        return Prepared(request, question, tokens)

    def _parse(self, body: bytes) -> tuple[ChatRequest, Ask]:
        request = parse_request(body)
        if request.model != self.model_id:
            raise RequestError(
                f"model: {request.model[:64]!r} is not served here; {self.model_id!r} is",
                param="model",
                code="model_not_found",
                status=404,
            )
        ask = read_ask(request, self.settings.limits, self.settings.default_max_tokens)
        check_budget(self.runner, self.policy, ask.budget)
        for image in ask.images:
            if image.num_visual_tokens is not None:
                check_scale(self.runner, image.num_visual_tokens, image.param)
        return request, ask

    async def _load(self, images: tuple[ImageRef, ...], ticket: Ticket) -> list[Image]:
        if not images:
            return []
        # Before others wait for it: an image that is fetched may come slowly.
        files = [await self.images.read(each.url, param=each.param) for each in images]
        loaded = []
        async with self.room.decoding:
            await self.room.wait()
            for each, file in zip(images, files, strict=True):
                image = await self.images.decode(file, param=each.param)
                self.room.hold(3 * image.width * image.height, ticket)
                loaded.append(image)
        return loaded

    def _question(
        self, ask: Ask, pictures: list[Image]
    ) -> tuple[Question, tuple[dict[int, int], ...]]:
        budgets: list[Budget | None] = [None] * len(pictures)
        fitting: SampleBudget
        if ask.budget is not None and ask.budget.total_visual_tokens is not None and pictures:
            _refuse_details(ask.images)
            total = ask.budget.total_visual_tokens
            fitting = fitting_total(self.runner, pictures, ask.chat, total)
        else:
            budgets = [self._budget(each, ask.budget) for each in ask.images]
            fitting = budgets = list(fitting_budgets(self.runner, pictures, ask.chat, budgets))
        question = Question(ask.chat, tuple(pictures), fitting, ask.generation)
        pairs = zip(pictures, budgets, strict=True)
        return question, tuple(tokens_by_scale(self.runner, *pair) for pair in pairs)

    def _budget(self, image: ImageRef, budget: Budget | None) -> Budget | None:
        """Return an image's budget: its own number, its detail, the request's, the server's."""
        if image.num_visual_tokens is not None:
            return Budget(num_visual_tokens=image.num_visual_tokens)
        if image.detail == "low":
            return Budget(num_visual_tokens=self.runner.ladder[0])
        if image.detail in ("high", "original"):
            return Budget(num_visual_tokens=self.runner.ladder[-1])
        return self.settings.budget if budget is None else budget


def _refuse_details(images: tuple[ImageRef, ...]) -> None:
    """Refuse a scale that one image asks for where a total is split over all of them."""
    for each in images:
        if each.num_visual_tokens is not None:
            raise RequestError(
                f"{each.param}.num_visual_tokens: {each.num_visual_tokens} is a scale of its own, "
                "but budget.total_visual_tokens is split over all images; give one of the two",
                param=f"{each.param}.num_visual_tokens",
                code="invalid_value",
            )
        if each.detail not in (None, "auto"):
            raise RequestError(
                f"{each.param}.detail: {each.detail!r} asks for a scale of its own, but "
                "budget.total_visual_tokens is split over all images; give one of the two",
                param=f"{each.param}.detail",
                code="invalid_value",
            )
