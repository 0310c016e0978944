"""The curves of the live page in a real headless Chromium: where they stand, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks.browser import EXECUTABLE
from cluster.watch.find import Wanted

from .feeds import row
from .test_watch_server import serving

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
pytestmark = [
    pytest.mark.skipif(
        EXECUTABLE is None, reason="there is no Chromium: on Debian and Fedora `.ci/system-packages browser` brings it"
    ),
    pytest.mark.usefixtures("quick"),
]
# What a chart shows: each line's places and color, and the labels of both axes with their places.
DRAWN = """(chart) => {
  const all = (what) => [...chart.querySelectorAll(what)];
  const numbers = (text) => text.match(/-?[\\d.]+/g).map(Number);
  const places = (path) => path.getAttribute("d").replaceAll("h0", "").slice(1).split(/[LM]/).map(numbers);
  const label = (text) => [text.textContent, Number(text.getAttribute("x")), Number(text.getAttribute("y"))];
  return {
    lines: all("path.line").map(places),
    dots: all("path.dots").map(places),
    colors: all("path.line").map((path) => getComputedStyle(path).stroke),
    x: all("text.x").map(label),
    y: all("text.y").map(label),
    width: chart.querySelector("svg").getBoundingClientRect().width,
    readout: chart.querySelector("output").innerText,
  };
}"""
# A chart alone, with these values of one figure.
CHART_OF = """async (values) => {
  const { Chart } = await import("/page/chart.js");
  const chart = new Chart({ title: "alone", lines: [["value", "warm"]] });
  document.querySelector("aside > .chart")?.remove();
  document.querySelector("aside").prepend(chart.element);
  chart.show(values.map(([frames, value]) => ({ frames, value })));
}"""
# Whether the width is another one, and the line goes up to it.
REACHES_THE_EDGE = """(before) => {
  const chart = document.querySelector(".chart");
  const { width } = chart.getBoundingClientRect();
  const end = Number(chart.querySelector("path.line").getAttribute("d").split(/[LM,]/).at(-2));
  return width !== before && Math.abs(width - 12 - end) < 0.1;
}"""
UNITS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
LEFT, RIGHT, BELOW, HEIGHT = 46, 12, 24, 132  # a chart's edges, and the whole, in pixels
TO_MIDDLE = 4  # of a label, from the line on which it stands


def figure(label: str) -> float:
    """What a label says."""
    return float(label.rstrip("KMBT")) * UNITS.get(label[-1], 1)


def places_by_the_axes(drawn: dict[str, Any], frames: Sequence[float], values: Sequence[float]) -> np.ndarray:
    """Where a reader who goes by the labels looks for these values."""
    (x0, *_, x1), (y0, *_, y1) = drawn["x"], drawn["y"]
    across = (np.array(frames) - figure(x0[0])) / (figure(x1[0]) - figure(x0[0]))
    upwards = (np.array(values) - figure(y0[0])) / (figure(y1[0]) - figure(y0[0]))
    return np.stack((x0[1] + across * (x1[1] - x0[1]), y0[2] + upwards * (y1[2] - y0[2]) - TO_MIDDLE), 1)


def test_curves_stand_where_their_axes_say_and_grow_as_rows_arrive(page, address, feed):
    frames = [1000 * step for step in range(1, 31)]
    real = [1.5 + np.sin(step / 5) for step in range(30)]
    ours = [-1.0 - 0.1 * step for step in range(30)]
    for step in range(20):
        feed.add_row(
            row(frames[step], **{"reward/discriminator/real": real[step], "reward/discriminator/fake": ours[step]})
        )
        if step % 5 == 0:
            feed.add_row(row(frames[step] + 1, **{"held_out/error_ratio": 2 / (1 + step)}))
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        scores = page.locator("#curves figure", has_text="discriminator's scores")
        errors = page.locator("#curves figure", has_text="held-out error").locator(".chart")
        scores.wait_for()
        labels = scores.locator("figcaption small")
        assert labels.all_inner_texts() == ["real", "ours"]
        drawn = scores.evaluate(DRAWN)
        shown = [labels.nth(line).evaluate("(label) => getComputedStyle(label).color") for line in range(2)]
        assert shown == drawn["colors"] and len(set(shown)) == 2
        assert not drawn["dots"] and len(drawn["lines"]) == 2 and len(drawn["x"]) > 1 and len(drawn["y"]) > 1
        for line, values in zip(drawn["lines"], (real, ours), strict=True):
            np.testing.assert_allclose(line, places_by_the_axes(drawn, frames[:20], values[:20]), atol=0.1)
        measured = errors.evaluate(DRAWN)
        assert measured["dots"] == measured["lines"], "each measurement is a dot"
        expected = places_by_the_axes(measured, [1001, 6001, 11001, 16001], [2 / (1 + step) for step in (0, 5, 10, 15)])
        np.testing.assert_allclose(measured["dots"][0], expected, atol=0.1)
        for step in range(20, 30):
            feed.add_row(
                row(frames[step], **{"reward/discriminator/real": real[step], "reward/discriminator/fake": ours[step]})
            )
        scores.get_by_text("30K").wait_for()
        drawn = scores.evaluate(DRAWN)
        np.testing.assert_allclose(drawn["lines"][1], places_by_the_axes(drawn, frames, ours), atol=0.1)
        page.set_viewport_size({"width": 600, "height": 900})
        page.wait_for_function(REACHES_THE_EDGE, arg=drawn["width"])


def test_beside_the_pointer_stand_the_values_below_it(page, address, feed):
    for step in range(1, 10):
        feed.add_row(
            row(1000 * step, **{"reward/discriminator/real": 0.12345 * step, "reward/discriminator/fake": -step})
        )
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        chart = page.locator("#curves figure", has_text="discriminator's scores").locator(".chart")
        chart.wait_for()
        assert not chart.locator("output").is_visible()
        for step in (1, 4, 9):
            x, _ = chart.evaluate(DRAWN)["lines"][0][step - 1]
            chart.locator("svg").hover(position={"x": x - 2, "y": 40})
            drawn = chart.evaluate(DRAWN)
            assert drawn["readout"] == f"{0.12345 * step:.4g} {-step} at {step},000"
            marks = chart.locator(".marks circle").evaluate_all(
                "(marks) => marks.map((mark) => [mark.getAttribute('cx'), mark.getAttribute('cy')].map(Number))"
            )
            np.testing.assert_allclose(marks, [line[step - 1] for line in drawn["lines"]], atol=0.1)
            inside, around = chart.locator("output").bounding_box(), chart.bounding_box()
            assert around["x"] <= inside["x"] and inside["x"] + inside["width"] <= around["x"] + around["width"]
        feed.add_row(row(20_000, **{"reward/discriminator/fake": -7.5}))
        chart.locator("output", has_text="-7.5 at 20,000").wait_for()
        assert chart.locator(".marks circle").count() == 1, "the newest row has one of both figures"
        page.mouse.move(5, 5)
        chart.locator("output").wait_for(state="hidden")
        assert chart.locator(".marks *").count() == 0


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [-3.0],
        [5.0, 5.0, 5.0],
        [0.0, 0.0],
        [-1e-7, 3e-7],
        [0.912345, 0.912347],
        [-2.5e11, 7.5e12],
        [1234567.0, 1234569.0, 1234560.0],
        [-9.0, -1.0],
    ],
)
def test_any_values_are_inside_of_the_chart_between_labels_that_tell_them_apart(page, address, values):
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        for first in (0, 10**9):
            frames = [first + 500.0 * step for step in range(len(values))]
            page.evaluate(CHART_OF, list(zip(frames, values, strict=True)))
            drawn = page.locator(".chart").evaluate(DRAWN)
            for axis, at_most in (("x", drawn["width"] / 40), ("y", 8)):
                labels = [figure(label) for label, *_ in drawn[axis]]
                assert 2 <= len(labels) <= at_most and labels == sorted(set(labels))
            places = np.array(drawn["lines"][0])
            assert np.isfinite(places).all() and len(places) == len(values)
            assert (places >= (LEFT - 0.1, 0)).all()
            assert (places <= (drawn["width"] - RIGHT + 0.1, HEIGHT - BELOW + 0.1)).all()
            np.testing.assert_allclose(places, places_by_the_axes(drawn, frames, values), atol=0.1)
            assert len(drawn["dots"]) == (len(values) == 1), "a value alone is seen as a dot"


def test_of_very_many_rows_the_peaks_are_seen_and_no_more_is_drawn_than_fits(page, address):
    values = np.random.default_rng(0).normal(size=5000)
    values[[1717, 3131]] = 30, -20
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.evaluate(CHART_OF, list(enumerate(values.tolist())))
        drawn = page.locator(".chart").evaluate(DRAWN)
        places = np.array(drawn["lines"][0])
        assert drawn["width"] < len(places) <= 4 * drawn["width"]
        expected = places_by_the_axes(drawn, [0, 1717, 3131, 4999], values[[0, 1717, 3131, 4999]].tolist())
        for place in expected:
            assert np.abs(places - place).max(1).min() <= 0.1
        assert (np.diff(places[:, 0]) > -1).all(), "from left to right, but for a pixel"
