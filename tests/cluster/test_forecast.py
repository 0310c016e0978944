"""What a run says of its machine before it begins."""

from __future__ import annotations

import pytest

from cluster.run.forecast import REACHED, SHARE_OF_GRADIENTS, forecast, frames_per_s, precision_in_words
from cluster.run.plan import Length
from spiral.config import ExpertConfig, RewardTerm
from spiral.precision import Precision
from spiral.presets import PRESETS, preset

COPY = preset("mnist-small-conditional")
HALF, SINGLE = Precision("bfloat16", "it is fast", 0.001), Precision("float32", "it has no other", 0.002)


def test_a_run_learns_as_fast_as_its_gradients_are_taken():
    cloning, learning = frames_per_s(COPY, 0.001)
    assert cloning == pytest.approx(1000 * SHARE_OF_GRADIENTS)
    assert learning == pytest.approx(cloning / COPY.policy.passes)


def test_minutes_are_told_in_frames_and_frames_in_minutes():
    seconds = SHARE_OF_GRADIENTS / 2000  # 2,000 frames/s of cloning, 1,000 of learning: 1,100 on average
    assert "learns from about 1,000 frames a second: 20 minutes are about 1,300,000 of them" in forecast(
        COPY, Length(minutes=20), 0, seconds
    )
    assert "660,000 frames take about 10 minutes" in forecast(COPY, Length(frames=660_000), 0, seconds)
    assert "1 minute is about" in forecast(COPY, Length(minutes=1), 0, seconds)


def test_the_error_to_expect_goes_by_the_frames():
    known = REACHED["mnist-small-conditional"]
    errors = [error for _, error in known]
    assert errors == sorted(errors, reverse=True), "more frames are better"
    for thousands, error in known:
        assert f"had {error:.2f} of an empty canvas's error" in forecast(COPY, Length(frames=1000 * thousands), 0, 1e-3)
    assert "stay above" in forecast(COPY, Length(frames=1000), 0, 1e-3)
    assert "empty canvas" not in forecast(preset("scenes-small-conditional"), Length(frames=1000), 0, 1e-3)
    assert set(REACHED) <= set(PRESETS)


def test_what_takes_time_beside_the_gradients_is_named():
    slow = COPY.model_copy(update={"rewards": [RewardTerm(name="deepwarp"), RewardTerm(name="blank")]})
    searching = COPY.model_copy(update={"expert": ExpertConfig(share=0.1)})
    for length in (Length(frames=10), Length(minutes=1)):
        assert "(without what deepwarp may take)" in forecast(slow, length, 0, 1e-3)
        assert "(without what the search of expert.share may take)" in forecast(searching, length, 0, 1e-3)
        assert "without" not in forecast(COPY, length, 0, 1e-3)
    assert "frames a second (without what deepwarp may take)." in forecast(slow, Length(frames=10), 5, 1e-3)


def test_a_run_that_goes_on_is_not_forecast_from_its_beginning():
    assert forecast(COPY, Length(minutes=20), 1000, 1e-3).endswith("frames a second.")


def test_the_precision_is_one_line_whether_processes_agree_or_not():
    same = precision_in_words({"policy": [SINGLE], "rollout": [SINGLE, SINGLE]})
    assert same == "Computing in float32 (it has no other)."
    mixed = precision_in_words({"policy": [HALF], "rollout": [HALF, SINGLE, SINGLE]})
    assert mixed == (
        "Computing: policy in bfloat16 (it is fast), rollout in bfloat16 (it is fast) and float32 (it has no other)."
    )
    none = precision_in_words({"policy": [HALF], "rollout": [SINGLE], "rewards": []})
    assert none.endswith("rollout in float32 (it has no other)."), "a reward of one's own may choose none"
