"""What a script asks of a finished agent, and how it is refused what the agent cannot do."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cluster.cli import is_user_error
from cluster.run.folder import RunError
from cluster.studio.agents import FinishedAgent, load_agent
from cluster.studio.preprocessing import Preprocessing
from spiral.config import RunConfig
from spiral.picture_error import mean_squared_error

from .untrained import untrained

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def copying(tiny_copying: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> FinishedAgent:
    return load_agent(untrained(tiny_copying, tmp_path_factory.mktemp("agents") / "copying"))


@pytest.fixture(scope="module")
def inventing(tiny: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> FinishedAgent:
    return load_agent(str(untrained(tiny, tmp_path_factory.mktemp("agents") / "inventing")))


def test_copies_and_inventions_are_programs_that_the_seed_decides(copying, inventing):
    pictures = copying.held_out().images
    assert pictures.shape[1:] == copying.canvas_shape == (16, 16, 1)
    copies = [copying.copy(pictures, seed) for seed in (0, 0, 1)]
    inventions = [inventing.invent(len(pictures), seed) for seed in (0, 0, 1)]
    for first, again, other in (copies, inventions):
        assert first.renders.shape == pictures.shape
        np.testing.assert_array_equal(first.actions, again.actions)
        assert (first.actions != other.actions).any()
        for index in range(len(pictures)):
            np.testing.assert_array_equal(first.program(index).replay(), first.renders[index])


def test_of_many_paintings_the_nearest_is_kept(copying, tmp_path):
    picture = np.full((50, 30), 255, np.uint8)
    picture[10:20] = 0
    Image.fromarray(picture).save(tmp_path / "bar.png")
    parsed = copying.parse(str(tmp_path / "bar.png"), samples=12, seed=3)
    assert parsed.square.size == (50, 50) and parsed.target.shape == copying.canvas_shape
    errors = [mean_squared_error(render, parsed.target) for render in parsed.paintings.renders]
    assert len(errors) == 12 and parsed.error == min(errors)
    assert mean_squared_error(parsed.program.replay(), parsed.target) == parsed.error
    assert parsed.empty_error == mean_squared_error(np.full_like(parsed.target, 255), parsed.target)
    inverted = copying.parse(tmp_path / "bar.png", samples=1, preprocessing=Preprocessing(invert=True))
    np.testing.assert_array_equal(inverted.target, 255 - parsed.target)


def test_a_search_begins_with_the_nearest_of_many_paintings(copying, tmp_path):
    picture = np.full((50, 50), 255, np.uint8)
    picture[10:20] = 0
    Image.fromarray(picture).save(tmp_path / "bar.png")
    sampled, searched = (copying.parse(tmp_path / "bar.png", samples=6, search=search) for search in (0, 24))
    assert searched.errors == sampled.errors and min(sampled.errors) == sampled.error
    assert searched.error < sampled.error
    assert mean_squared_error(searched.program.replay(), searched.target) == searched.error
    pictures = np.stack([sampled.target] * 3)
    copies = copying.copy(pictures, samples=6, search=24)
    assert len(copies.renders) == 3
    assert max(mean_squared_error(render, sampled.target) for render in copies.renders) < max(sampled.errors)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda copying, _: copying.invent(3), "the agent of .*copying copies pictures and invents none"),
        (lambda _, inventing: inventing.copy(np.zeros((1, 16, 16, 1), np.uint8)), "looks at no picture: name one"),
        (lambda _, inventing: inventing.parse("a.png"), "looks at no picture: name one"),
        (lambda copying, _: copying.copy(np.zeros((1, 16, 16, 1))), r"are float64 \[1, 16, 16, 1\], .* copies uint8"),
        (lambda copying, _: copying.copy(np.zeros((16, 16, 1), np.uint8)), r"uint8 \[N, 16, 16, 1\]"),
        (lambda copying, _: copying.copy(np.zeros((2, 28, 28, 1), np.uint8)), r"are uint8 \[2, 28, 28, 1\]"),
        (lambda copying, _: copying.copy(np.zeros((0, 16, 16, 1), np.uint8)), r"are uint8 \[0, 16, 16, 1\]"),
        (lambda _, inventing: inventing.invent(0), "count=0; ask for 1 painting or more"),
        (lambda copying, _: copying.parse("a.png", samples=0), "samples=0: ask for 1 painting or more"),
        (lambda copying, _: copying.copy(np.zeros((1, 16, 16, 1), np.uint8), search=-1), "search=-1: ask for a search"),
        (lambda _, inventing: inventing.invent(1, temperature=-1.0), "temperature=-1.0: give 0 or more"),
        (lambda _, inventing: inventing.invent(1, temperature=float("nan")), "temperature=nan: give 0 or more"),
        (lambda _, inventing: inventing.invent(1, seed=-1), "seed=-1: give a number from 0 to"),
        (lambda *_: Preprocessing(background="grean"), "grean is no colour"),
        (lambda *_: load_agent(goal="copies"), "no agent for --goal copies is shipped: name one of copy, characters"),
        (lambda *_: load_agent(goal="../weights/copy"), "no agent for --goal ../weights/copy is shipped"),
        (lambda *_: load_agent("nowhere"), "there is no folder nowhere"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(ask, message, copying, inventing):
    with pytest.raises(ValueError, match=message) as caught:
        ask(copying, inventing)
    assert "\n" not in str(caught.value)
    assert is_user_error(caught.value) == isinstance(caught.value, RunError)
