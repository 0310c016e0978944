"""Numbers and signs are drawn from seeds: the same pixels anywhere, as many as asked, labelled by what they show."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cluster.cli import app
from cluster.studio import make_data as making
from spiral import data
from spiral.data import drawn, fonts, syn_numbers, syn_signs
from spiral.data.drawn import Drawn
from spiral.data.package import Package
from spiral.data.signs import SIGNS, sign

NAMES = ("syn-numbers", "syn-signs")
NOWHERE = Path("nowhere")


def dataset(name: str, folder: Path = NOWHERE) -> Drawn:
    found = data.find(name, folder)
    assert isinstance(found, Drawn)
    return found


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "COUNTS", {"train": 30, "test": 20})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_needs_to_be_prepared(few: None, name: str) -> None:
    train, test = (data.load_pictures(name, split, 32, color=True, root=NOWHERE) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((30, 32, 32, 3), (20, 32, 32, 3))
    assert train.images.dtype == np.uint8 and train.labels is not None and train.labels.dtype == np.int64
    assert (train.images[:20] != test.images).any(axis=(1, 2, 3)).all(), "what is held out is another"
    assert (train.images.std(axis=(1, 2, 3)) > 5).all(), "every picture shows something"
    assert data.load(name, "test", 28, root=NOWHERE).shape == (20, 28, 28, 1)
    assert {entry.name: entry.ready for entry in data.catalogue(NOWHERE)}[name]
    assert data.prepare(name, root=NOWHERE) == NOWHERE / name and not NOWHERE.exists()


def test_by_default_there_are_twenty_thousand() -> None:
    assert drawn.COUNTS == {"train": 20_000, "test": 2_000}
    assert dataset("syn-numbers").size == dataset("syn-signs").size == "20,000 + 2,000"


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_decided_by_the_seed_the_split_and_its_number(name: str) -> None:
    one = dataset(name)
    many, some = one.pictures("train", 0, range(12)), one.pictures("train", 0, range(7, 10))
    np.testing.assert_array_equal(many.images[7:10], some.images)
    np.testing.assert_array_equal(np.asarray(many.labels)[7:10], some.labels)
    for other in (one.pictures("train", 1, range(12)), one.pictures("test", 0, range(12))):
        assert (other.images != many.images).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_spread_evenly(name: str) -> None:
    kinds = 10 if name == "syn-numbers" else 43
    counts = np.bincount(np.asarray(dataset(name).pictures("train", 0, range(20 * kinds)).labels), minlength=kinds)
    assert len(counts) == kinds and counts.min() >= 5 and counts.max() <= 40


def digest() -> str:
    made = [dataset(name).pictures("train", 0, range(100)).images.tobytes() for name in NAMES]
    return hashlib.sha256(b"".join(made)).hexdigest()


def test_an_older_processor_draws_the_same_pixels() -> None:
    code = "from tests.data.test_drawn_sets import digest; print(digest())"
    older = {"NPY_DISABLE_CPU_FEATURES": "AVX2 AVX512F AVX512_SKX FMA3", "OPENBLAS_CORETYPE": "Nehalem"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | older | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == digest()


def test_the_label_is_the_digit_in_the_middle() -> None:
    for file in fonts.font_files():
        font = fonts.font_of(file, 40)
        for text in ("3", "53", "38", "538"):
            number = np.asarray(syn_numbers._written(text, text.index("3"), font))
            alone = np.asarray(syn_numbers._written("3", 0, font))
            columns = np.flatnonzero(alone.any(axis=0))
            assert abs(columns.mean() - (syn_numbers.FINE - 1) / 2) <= 2, f"{file.stem} is not centred"
            inside = slice(columns[0] + 2, columns[-1] - 1)
            changed = abs(number[:, inside].astype(int) - alone[:, inside]) > 40
            # Where letters look written by hand, neighbours overlap.
            assert changed.mean() < (0.12 if file.stem == "Intuitive" else 1e-9), file.stem


def test_fonts_without_serifs_write_a_bare_1_in_half_of_the_pictures_and_others_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = {file.stem for file in fonts.font_files() if fonts.writes_bare(file)}
    assert {"DejaVuSans", "DejaVuSans-Oblique", "cmss10", "Manrope-Light", "SourceSansPro-It"} <= bare
    assert not bare & {"DejaVuSerif", "DejaVuSansMono", "cmr10", "STIXGeneralItalic", "Caladea-Italic"}
    written: dict[bool, list[str]] = {True: [], False: []}

    def heard(text: str, middle: int, font: fonts.Font) -> Image.Image:
        written[fonts.writes_bare(Path(str(font.path)))].append(text[middle])
        return write(text, middle, font)

    write = syn_numbers._written
    monkeypatch.setattr(syn_numbers, "_written", heard)
    rng = np.random.default_rng(0)
    labels = [syn_numbers.draw_number(rng)[1] for _ in range(1500)]
    assert labels.count(1) > 100 and "I" not in written[False] and "1" in written[False]
    assert 0.35 < written[True].count("I") / (written[True].count("I") + written[True].count("1")) < 0.65


def test_there_are_forty_three_signs_in_the_order_of_gtsrb_and_no_two_are_alike() -> None:
    assert len(SIGNS) == 43
    small = [np.asarray(sign(i).resize((32, 32)).convert("RGB"), float) for i in range(43)]
    distances = [np.abs(a - b).mean() for i, a in enumerate(small) for b in small[:i]]
    assert min(distances) > 1
    for number, (red, green, blue) in {14: (190, 25, 35), 12: (245, 185, 25), 35: (20, 75, 165)}.items():
        at = np.asarray(sign(number))[40, 40]  # a stop sign is red, a priority road yellow, an order blue
        np.testing.assert_array_equal(at[:3], (red, green, blue))
    left, right = np.asarray(sign(34)), np.asarray(sign(33))
    np.testing.assert_allclose(left[:, ::-1].astype(int), right, atol=64)
    assert np.asarray(sign(0))[0, 0, 3] == 0, "around a sign there is nothing"


def test_a_sign_is_seen_near_the_middle_in_every_pose() -> None:
    for number in range(0, 43, 7):
        for seed in range(20):
            seen = np.asarray(syn_signs._posed(sign(number), np.random.default_rng(seed)))[..., 3] > 128
            rows, columns = np.nonzero(seen)
            assert 0.12 < seen.mean() < 0.95
            assert abs(rows.mean() - 31.5) < 14 and abs(columns.mean() - 31.5) < 14


@pytest.mark.parametrize("name", NAMES)
def test_more_are_made_by_one_command_and_then_used(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    command = ["data", "make", name, "--train", "40", "--held-out", "8", "--processes", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "40 pictures to train on and 8 held out" in result.output
    train, test = (data.load_pictures(name, split, 32, color=True) for split in ("train", "test"))
    assert (len(train.images), len(test.images)) == (40, 8)
    first = dataset(name).pictures("train", 0, range(40))
    np.testing.assert_array_equal(train.images, first.images)
    np.testing.assert_array_equal(train.labels, first.labels)
    assert data.prepare(name) == tmp_path / name and dataset(name, tmp_path).where == str(tmp_path / name)


@pytest.mark.parametrize("damaged", [b"", b"text", None], ids=["empty", "text", "cut off"])
def test_a_damaged_file_is_never_used_nor_written_over(damaged: bytes | None, tmp_path: Path) -> None:
    made = dataset("syn-signs").pictures("train", 0, range(20))
    file = drawn.write(tmp_path / "syn-signs", "train", made)
    content = file.read_bytes()[:5000] if damaged is None else damaged
    file.write_bytes(content)
    for attempt in (
        lambda: data.load("syn-signs", "train", 32, root=tmp_path),
        lambda: data.prepare("syn-signs", root=tmp_path),
        lambda: drawn.write(tmp_path / "syn-signs", "train", made),
    ):
        with pytest.raises(data.DatasetCorrupt, match="is damaged or no set of drawn pictures"):
            attempt()
    assert file.read_bytes() == content


def test_the_number_of_processes_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "CHUNK", 5)
    told: list[int] = []
    made = making.make_pictures(dataset("syn-signs"), "test", 12, seed=3, processes=2, progress=told.append)
    assert told == [5, 5, 2]
    np.testing.assert_array_equal(made.images, dataset("syn-signs").pictures("test", 3, range(12)).images)


def test_other_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", images=np.zeros((3, 32, 32, 3)), labels=np.zeros(3, int))
    with pytest.raises(data.DatasetCorrupt, match=r"holds images float64 \(3, 32, 32, 3\)"):
        drawn.read(tmp_path / "test.npz")


def test_every_design_writes_as_often_as_others_however_many_fonts_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    written: Counter[str] = Counter()

    def written_with(file: Path, size: int) -> fonts.Font:
        written[file.stem] += 1
        return fonts.font_of(file, size)

    monkeypatch.setattr(syn_numbers, "font_of", written_with)
    rng = np.random.default_rng(0)
    for _ in range(600):
        syn_numbers.draw_number(rng)
    designs = [sum(written[file.stem] for file in files) for files in fonts.typefaces()]
    assert len(designs) == 12 and max(designs) < 2 * min(designs)
    assert all(written[file.stem] for file in fonts.font_files())


def test_fonts_of_a_folder_write_too_and_those_without_digits_do_not(tmp_path: Path) -> None:
    carried = fonts.MATPLOTLIB.path()
    for name in ("cmmi10", "STIXSizOneSymReg", "LastResortHE-Regular"):
        (tmp_path / f"{name}.ttf").write_bytes((carried / f"{name}.ttf").read_bytes())
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    added = fonts.typefaces(tmp_path)
    assert added[:-1] == fonts.typefaces() and [file.name for file in added[-1]] == ["cmmi10.ttf"]
    with_more = syn_numbers.syn_numbers(NOWHERE, tmp_path).pictures("train", 0, range(40))
    without = dataset("syn-numbers").pictures("train", 0, range(40))
    assert (with_more.images != without.images).any()


def test_a_folder_without_fonts_is_refused_and_nothing_is_drawn(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path / "data"))
    with pytest.raises(data.DatasetMissing, match="has no font with digits"):
        making.make_data("syn-numbers", 0, 5, 5, 1, fonts=tmp_path)
    with pytest.raises(data.DatasetError, match="give --fonts with syn-numbers alone"):
        making.make_data("syn-signs", 0, 5, 5, 1, fonts=fonts.MATPLOTLIB.path())
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", NAMES)
def test_the_fonts_need_their_packages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fonts.CARRIED, Package("font-manrope", "font_manrope/nowhere", "fonts"), ("any.ttf",))
    assert not {entry.name: entry.ready for entry in data.catalogue(NOWHERE)}[name]
    with pytest.raises(data.DatasetMissing, match="carried by the package font-manrope"):
        data.prepare(name, root=NOWHERE)
