"""The page's widgets and what connects them; what is shown is made in ``desk`` and ``parts``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from budget.mqt_model import MqtModel
from experiments.ui import guide, parts
from experiments.ui.answering import Outcome
from experiments.ui.desk import MAX_QUESTION, PRICE_STEP, Desk, View
from experiments.ui.examples import Example
from experiments.ui.inputs import index_of, place_of, question_of, wish_of
from experiments.ui.looking import queries_url
from experiments.ui.picture import path_of, picture_field

_KEPT_S = 3600  # seconds that uploads and answers of users who left are kept
# On a phone the answer lies below what was set.
_SHOW_ANSWER = """() => {
    const card = document.querySelector("#card");
    if (window.innerWidth < 700) card.scrollIntoView({behavior: "smooth"});
}"""


def build_page(desk: Desk, examples: Sequence[Example], *, max_queue: int = 32) -> gr.Blocks:
    """Return the page about a model.

    Args:
        desk: answers.
        examples: pictures with a question to begin with.
        max_queue: questions that wait at most; users who come later are told to try again.
    """
    name = desk.answerer.world.model.name
    page = gr.Blocks(
        title=f"Visual tokens: {name}",
        analytics_enabled=False,
        delete_cache=(_KEPT_S // 4, _KEPT_S),
    )
    with page:
        outcome = gr.State(None, time_to_live=_KEPT_S)
        gr.HTML(guide.title(name, desk.answerer.scales), elem_id="title")
        for notice in desk.answerer.world.notices:
            gr.HTML(parts.problem(notice))
        with gr.Row():
            with gr.Column(min_width=320, scale=5):
                picture, question, button = _add_asking(examples)
            with gr.Column(min_width=320, scale=6):
                slider, ticks, price = _add_sliders(desk)
                problem, card, table = _add_answer()
        gr.HTML("<h2>What the tokens look at</h2>")
        maps = gr.HTML(parts.note(guide.BEFORE), elem_id="maps")
        _add_queries(desk)
        with gr.Accordion("How to read this page", open=False):
            gr.Markdown(guide.HOW)
        shown = [problem, card, table, maps, outcome]
        asked = [picture, question, slider, price]
        answered = _connect_asking(desk, [button.click, question.submit], asked, shown)
        # A slider may have been moved while the model ran.
        moves = [answered.then, slider.change, price.change]
        _connect_sliders(desk, moves, [outcome, *asked], shown)
        _connect_ticks(desk, slider, ticks)
    page.queue(max_size=max_queue, api_open=False)
    # Only then does Gradio check that files which clients name were uploaded, and it sets this only
    # where it starts the server itself; otherwise any field takes any file of this machine.
    page.has_launched = True
    return page


def _add_asking(examples: Sequence[Example]) -> tuple[gr.Image, gr.Textbox, gr.Button]:
    """Lay out what is asked about, what is asked, and scenes to begin with."""
    picture = picture_field()
    question = gr.Textbox(
        label="Question", placeholder="What color is the ring?", lines=1,
        max_length=MAX_QUESTION, elem_id="question",
    )  # fmt: skip
    button = gr.Button("Ask", variant="primary", elem_id="ask")
    gr.HTML('<p class="small-head">Or take a scene with its question, then press Ask:</p>')
    gallery = gr.Gallery(
        [(str(each.path), each.group) for each in examples], show_label=False, columns=4,
        height="auto", allow_preview=False, interactive=False, buttons=[], elem_id="examples",
    )  # fmt: skip

    def take(event: gr.SelectData) -> tuple[str, str]:
        chosen = examples[index_of(event.index, len(examples))]
        return str(chosen.path), chosen.question

    gallery.select(take, None, [picture, question], queue=False, api_visibility="private")
    return picture, question, button


def _add_sliders(desk: Desk) -> tuple[gr.Slider, gr.HTML, gr.Slider]:
    """Lay out how many tokens are wished for."""
    with gr.Group():
        slider = gr.Slider(
            0, len(desk.answerer.scales), value=0, step=1, buttons=[], elem_id="tokens",
            label="Visual tokens", info="On auto, the policy chooses.",
        )  # fmt: skip
        ticks = gr.HTML(parts.ticks(desk.answerer.scales, 0), elem_id="ticks")
    own = desk.answerer.world.own
    highest, default, named = guide.prices(own.prices if own else {}, desk.default_price)
    price = gr.Slider(
        0, highest, value=default, step=PRICE_STEP, buttons=["reset"], elem_id="price",
        label="Price, for auto",
        info=named, interactive=own is not None,
    )  # fmt: skip
    return slider, ticks, price


def _add_answer() -> tuple[gr.HTML, gr.HTML, gr.HTML]:
    """Lay out what the page shows of an answer."""
    return (
        gr.HTML("", elem_id="problem"),
        gr.HTML(parts.note(guide.BEFORE), elem_id="card"),
        gr.HTML("", elem_id="scales"),
    )


def _add_queries(desk: Desk) -> None:
    """Lay out what each query of an MQT model attends to, drawn when somebody looks."""
    model = desk.answerer.world.model
    if not isinstance(model, MqtModel):
        return
    with gr.Accordion("What each query attends to (the same for every picture)", open=False) as at:
        drawn = gr.HTML(parts.note("Drawing ..."), elem_id="queries")

    def draw() -> str:
        return parts.drawing(queries_url(model), "What each query attends to")

    at.expand(draw, None, drawn, trigger_mode="once", api_visibility="private")


def _connect_asking(
    desk: Desk, events: Sequence[Any], asked: Sequence[Any], shown: Sequence[Any]
) -> Any:
    def ask(file: Any, question: Any, place: Any, price: Any) -> Iterator[View]:
        yield from desk.ask(path_of(file), question_of(question), wish_of(place, price))

    gr.on(list(events), js=_SHOW_ANSWER, api_visibility="private")
    return gr.on(
        list(events), ask, list(asked), list(shown), concurrency_limit=1, show_progress="minimal",
        trigger_mode="once", preprocess=False, api_visibility="private",
    )  # fmt: skip


def _connect_sliders(
    desk: Desk, moves: Sequence[Any], known: Sequence[Any], shown: Sequence[Any]
) -> None:
    def review(outcome: Outcome | None, file: Any, question: Any, place: Any, price: Any) -> Any:
        asked, wish = question_of(question), wish_of(place, price)
        view = desk.review(outcome, path_of(file), asked, wish)
        return [gr.skip()] * len(View._fields) if view is None else view

    for move in moves:
        # One after the other, so that the last move is what is seen last.
        move(
            review, list(known), list(shown), concurrency_limit=1, concurrency_id="review",
            show_progress="hidden", preprocess=False, api_visibility="private",
            trigger_mode="always_last",
        )  # fmt: skip


def _connect_ticks(desk: Desk, slider: Any, ticks: Any) -> None:
    def mark(place: Any) -> str:
        return parts.ticks(desk.answerer.scales, place_of(place))

    slider.change(
        mark, slider, ticks, queue=False, show_progress="hidden", api_visibility="private",
        trigger_mode="always_last",
    )  # fmt: skip


def look_and_feel() -> dict[str, Any]:
    """Return theme and style for whatever mounts the page; all of it comes with the packages."""
    blue = gr.themes.Color(
        "#eef6fb", "#d6eaf6", "#aed6ee", "#7fbfe3", "#56b4e9", "#0072b2",
        "#0072b2", "#005d92", "#004a74", "#00395a", "#002a43", name="okabe-blue",
    )  # fmt: skip
    style = Path(__file__).with_name("look.css").read_text()
    # The reader's own fonts: those that come with Gradio lack letters where they are bold.
    font = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Arial", "sans-serif")
    mono = ("ui-monospace", "Consolas", "monospace")
    theme = gr.themes.Default(primary_hue=blue, secondary_hue=blue, font=font, font_mono=mono)
    return {"theme": theme, "css": style}
