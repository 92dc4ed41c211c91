"""`python -m worker evaluate` and `replay`: the golden numbers, windows, grafts, refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.schemas.published.options import PublishedOptions
from tests.unit.offline.files import Small, on_golden, weights
from tests.unit.science.support import golden
from worker.__main__ import main


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_evaluate_equals_all_golden_manipulations(tmp_path: Path) -> None:
    ours, stored = on_golden("evaluate", tmp_path / "out.npz"), golden.arrays("forward")

    for name in golden.options("forward"):
        expected = {
            part: stored[f"out/trained/{name}/{part}"] for part in ("attn", "logits", "loss")
        }
        np.testing.assert_allclose(ours[f"{name}/attn"], expected["attn"], atol=1e-5, rtol=0)
        np.testing.assert_allclose(ours[f"{name}/logits"], expected["logits"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(ours[f"{name}/loss"], expected["loss"], atol=1e-4, rtol=0)
        hidden = expected["logits"] == -1e9
        assert np.array_equal(ours[f"{name}/logits"] == -1e9, hidden)


@pytest.mark.slow
def test_replay_equals_all_golden_trainings(tmp_path: Path) -> None:
    ours = on_golden("replay", tmp_path / "out.npz", learning_rate=1e-3)

    stored = golden.arrays("train")
    for name in golden.options("train"):
        np.testing.assert_allclose(ours[f"{name}/loss"], stored[f"loss/{name}"], rtol=1e-4)
    finals = [name for name in stored if name.startswith("final/")]
    assert finals
    for name in finals:
        _, which, parameter = name.split("/")
        final = ours[f"{which}/final/{parameter}"]
        np.testing.assert_allclose(final, stored[name], atol=1e-4, rtol=0, err_msg=name)


def test_sequences_are_evaluated_alike_alone_and_together(small: Small) -> None:
    whole = small.result("evaluate", {"it": {"induction_heads": ["1:1"]}})
    stored = np.load(small.folder / "b.npz")
    small.save("b.npz", class_idx=stored["class_idx"][3:4], labels=stored["labels"][3:4])

    alone = small.result("evaluate", {"it": {"induction_heads": ["1:1"]}})

    assert alone["it/attn"].shape == (1, 2, 2, 5, 5)
    for part in ("attn", "logits", "loss"):
        np.testing.assert_allclose(alone[f"it/{part}"], whole[f"it/{part}"][3:4], rtol=1e-5)


def test_exemplars_are_those_asked_for(small: Small) -> None:
    stored = dict(np.load(small.folder / "b.npz"))
    plain = small.result("evaluate", {"it": {}})["it/logits"]
    first = np.load(small.folder / "f.npy")
    np.save(small.folder / "f.npy", np.stack([np.zeros_like(first), first], 1))
    small.save("b.npz", **stored, exemplar_idx=np.ones_like(stored["class_idx"]))

    np.testing.assert_array_equal(small.result("evaluate", {"it": {}})["it/logits"], plain)


def test_a_mean_is_taken_over_all_sequences_of_the_file(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"it": [{"kind": "mean_ablate", "site": "L1H0.z"}], "plain": {}}
    at_once = small.result("evaluate", content)

    monkeypatch.setattr("worker.offline.evaluate.AT_ONCE", 1)
    in_parts = small.result("evaluate", content)

    for part in ("it/logits", "plain/attn"):
        np.testing.assert_allclose(in_parts[part], at_once[part], atol=1e-6)


def test_clamps_of_ours_and_options_of_the_published_code_agree(small: Small) -> None:
    ours = [{"kind": "ablate", "site": "L1H0.v"}, {"kind": "ablate", "site": "L0H1.v"}]

    seen = small.result("evaluate", {"a": {"ablate_heads": ["0:1", "1:0"]}, "b": ours})

    np.testing.assert_array_equal(seen["a/logits"], seen["b/logits"])


def replaced(own: dict, donor: dict, *starts: str) -> dict[str, np.ndarray]:
    return {name: (donor if name.startswith(starts) else own)[name] for name in own}


def test_grafts_join_two_models(small: Small) -> None:
    own, donor = weights(0), weights(5)
    donor_file = small.save("d.npz", **{f"x/{name}": array for name, array in donor.items()})
    first, last = ("example_embed", "label_embed", "blocks"), ("final_norm", "unembed")
    small.save(
        "w.npz",
        **{f"init/{name}": array for name, array in own.items()},
        **{f"in/{name}": array for name, array in replaced(own, donor, *first).items()},
        **{f"out/{name}": array for name, array in replaced(own, donor, *last).items()},
    )
    expected = {}
    for way in ("in", "out"):
        seen = small.result("evaluate", {"it": {}}, weights_prefix=way)
        expected[way] = seen["it/logits"]

    grafts = {
        way: [{"kind": f"graft_{way}", "site": "L1.resid", "checkpoint": f"file:{donor_file}#x"}]
        for way in ("in", "out")
    }
    seen = small.result("evaluate", grafts)

    for way in ("in", "out"):
        np.testing.assert_allclose(seen[f"{way}/logits"], expected[way], atol=1e-5)


def test_a_window_closes_within_a_batch_at_its_sequence(small: Small) -> None:
    clamp = {"kind": "ablate", "site": "L1H0.v"}
    small.sequences(count=8, updates=3)
    lit = small.result("replay", {"it": [clamp]}, learning_rate=1e-2)

    short = small.result("replay", {"it": [clamp | {"until_sequences": 11}]}, learning_rate=1e-2)

    assert short["it/loss"][0] == lit["it/loss"][0]
    stored = dict(np.load(small.folder / "b.npz"))
    first, second = ({n: a[part] for n, a in stored.items()} for part in (slice(1), 1))
    small.save("b.npz", **first)
    begun = small.result("replay", {"it": [clamp]}, learning_rate=1e-2)
    after = {n.removeprefix("it/final/"): a for n, a in begun.items() if "final" in n}
    small.save("w.npz", **{f"init/{name}": array for name, array in after.items()})
    small.save("b.npz", **second)
    seen = small.result("evaluate", {"on": [clamp], "off": {}})
    expected = [*seen["on/loss"][:3], *seen["off/loss"][3:]]
    np.testing.assert_allclose(short["it/loss"][1], np.mean(expected), rtol=1e-5)
    assert abs(lit["it/loss"][1] - np.mean(expected)) > 1e-4


def test_a_window_is_evaluated_at_the_moment_asked_for(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {"it": [{"kind": "ablate", "site": "L1H0.v", "from_sequences": 100}]}
    small.options(content)
    assert small.run("evaluate") == 1
    assert "L1H0.v: the light is off at 0 sequences; see --at" in capsys.readouterr().err

    plain = small.result("evaluate", {"it": {"ablate_heads": ["1:0"]}})["it/logits"]
    np.testing.assert_array_equal(small.result("evaluate", content, at=100)["it/logits"], plain)


def test_options_without_effect_are_computed_and_said(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = {"preserve_values": True, "induction_heads": ["1:0"], "match_heads": ["1:0"]}

    seen = small.result("evaluate", {"idle": idle, "match": {"match_heads": ["1:0"]}})

    said = capsys.readouterr().out
    assert "idle: preserve_values does not change the logits here" in said
    assert "idle: induction_heads does not change the logits here" in said
    assert said.count("Note:") == 2
    np.testing.assert_array_equal(seen["idle/logits"], seen["match/logits"])


def published(**options: Any) -> dict:
    return {"it": options}


def clamps(**clamp: Any) -> dict:
    return {"it": [clamp]}


PERFECT = "perfect_prev_token_input"
OPTIONS = {
    "o.json: not JSON": "{",
    "o.json: must map names to options or clamps": [],
    "o.json: it: must be an object of options or a list": {"it": 3},
    "o.json: ablate_heads stands where a name should": {"ablate_heads": ["1:0"]},
    "o.json: it: there is no option ablate_head; did you mean ablate_heads": published(
        ablate_head=["1:0"]
    ),
    "there is no option opto_ablate_heads; did you mean ablate_heads": published(
        opto_ablate_heads=["1:0"]
    ),
    "o.json: it: ablate_heads.0: String should match": published(ablate_heads=["1-0"]),
    "the model has layers 0 to 1 and heads 0 to 1": published(ablate_heads=["1:2"]),
    "L2H0.pattern[query]: the model has layers 0 to 1": published(induction_heads=["2:0"]),
    "both name 1:0": published(induction_heads=["1:0"], prev_token_heads=["1:0"]),
    "only heads of layer 1 can be ablated": published(specific_fn=PERFECT, ablate_heads=["0:0"]),
    "o.json: it: clamp 0: L1H4.v: the model has heads 0 to 1": clamps(kind="ablate", site="L1H4.v"),
    "L0.pattern: preserve would change nothing": clamps(kind="preserve", site="L0.pattern"),
    "'values' is none of embed": clamps(kind="ablate", site="L0.values"),
    "and no runs are known here; write file:": clamps(
        kind="graft_in", site="L0.resid", checkpoint="abc@1000"
    ),
    "/nowhere.npz: there is no such file": clamps(
        kind="graft_in", site="L0.resid", checkpoint="file:/nowhere.npz#x"
    ),
}


@pytest.mark.parametrize("message", OPTIONS)
def test_options_that_cannot_be_are_one_sentence(
    small: Small, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    small.options(OPTIONS[message])

    assert_refused(small, "evaluate", {}, message, capsys)


INPUTS: dict[str, dict[str, Any]] = {
    "/nowhere.npz: there is no such file": {"weights": "/nowhere.npz"},
    "w.npz: lacks the array trained/example_embed.weight; it has weights at the prefix init": {
        "weights_prefix": "trained"
    },
    "f.npy: holds a single array; an .npz file": {"weights": "f.npy"},
    "o.json: not an .npz file that can be read": {"weights": "o.json"},
    "w.npz at 'init', with 3 heads: config: Value error, width 8 is not a multiple of 3": {
        "heads": 3
    },
    "short.npz at 'x': weights lack unembed.bias": {"weights": "short.npz", "weights_prefix": "x"},
    "odd.npz at 'x': blocks.1.attn.out.weight has shape [8, 7], the model needs [8, 8]": {
        "weights": "odd.npz",
        "weights_prefix": "x",
    },
    "sick.npz: x/unembed.bias must be finite, 3 values are not": {
        "weights": "sick.npz",
        "weights_prefix": "x",
    },
    "/nowhere.npy: there is no such file": {"features": "/nowhere.npy"},
    "wide.npy: features have 5 dimensions, the weights take 4": {"features": "wide.npy"},
    "nan.npy: features must be finite, 1 of its values are not": {"features": "nan.npy"},
    "empty.npz: lacks the array class_idx; it has other": {"sequences": "empty.npz"},
    "float.npz: labels must be integers, not float64": {"sequences": "float.npz"},
    "flat.npz: class_idx must be [sequence, pair + query]": {"sequences": "flat.npz"},
    "uneven.npz: labels must have the shape of class_idx, [4, 3], not [5, 3]": {
        "sequences": "uneven.npz"
    },
    "class.npz: class_idx must be 0 to 5, as": {"sequences": "class.npz"},
    "label.npz: labels must be 0 to 2, as the weights know 3 labels; sequence 1 (from 0) has 3": {
        "sequences": "label.npz"
    },
    "asked.npz: labels: sequence 2 (from 0) asks for 1, which is not in its context, 0, 2": {
        "sequences": "asked.npz"
    },
    "exemplar_idx must be 0 to 0, as": {"sequences": "exemplar.npz"},
    "is a folder; name a file in it": {"out": "."},
    "cannot be written": {"out": "w.npz/out.npz"},
}


def save_odd_inputs(small: Small) -> None:
    """One file for each fault."""
    whole = {f"x/{name}": array for name, array in weights().items()}
    small.save("short.npz", **{n: a for n, a in whole.items() if n != "x/unembed.bias"})
    small.save("odd.npz", **whole | {"x/blocks.1.attn.out.weight": np.zeros((8, 7))})
    small.save("sick.npz", **whole | {"x/unembed.bias": np.full(3, np.inf)})
    np.save(small.folder / "wide.npy", np.zeros((6, 5)))
    np.save(small.folder / "nan.npy", np.where(np.arange(24) == 7, np.nan, 0.0).reshape(6, 4))
    classes, labels = np.tile([0, 1, 0], (4, 1)), np.tile([0, 2, 0], (4, 1))
    small.save("empty.npz", other=classes)
    small.save("float.npz", class_idx=classes, labels=labels * 1.0)
    small.save("flat.npz", class_idx=classes[0], labels=labels[0])
    small.save("uneven.npz", class_idx=classes, labels=np.tile([0, 2, 0], (5, 1)))
    small.save("class.npz", class_idx=classes - 1, labels=labels)
    small.save("label.npz", class_idx=classes, labels=labels + np.eye(4, 1, -1, dtype=int))
    asked = labels.copy()
    asked[2, 2] = 1
    small.save("asked.npz", class_idx=classes, labels=asked)
    small.save("exemplar.npz", class_idx=classes, labels=labels, exemplar_idx=classes)


@pytest.mark.parametrize("message", INPUTS)
def test_inputs_that_cannot_be_are_one_sentence(
    small: Small, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    save_odd_inputs(small)
    given = {
        name: small.folder / value if isinstance(value, str) and name != "weights_prefix" else value
        for name, value in INPUTS[message].items()
    }

    assert_refused(small, "evaluate", given, message, capsys)


def test_replay_refuses_what_it_cannot_train_with(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(small, "replay", {}, "class_idx must be [update, sequence, pair", capsys)
    small.sequences(count=4, updates=2)
    rate = {"learning_rate": -1}
    assert_refused(small, "replay", rate, "--learning_rate: Input should be greater", capsys)
    stored = dict(np.load(small.folder / "b.npz"))
    stored["labels"][1, 2] = 2
    small.save("b.npz", **stored)
    small.options({"it": {"induction_heads": ["1:0"]}})
    said = "two labels in every context; update 1, sequence 2 (from 0) has only 2 there"
    assert_refused(small, "replay", {}, said, capsys)


def assert_refused(
    small: Small,
    command: str,
    given: dict[str, Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(small.folder.iterdir())

    assert small.run(command, **given) == 1

    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert sorted(small.folder.iterdir()) == before  # nothing was left behind


def test_help_describes_every_option_of_the_published_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])

    said = capsys.readouterr().out
    assert [name for name in PublishedOptions.model_fields if name not in said] == []


@pytest.mark.parametrize("pairs", [1, 3])
def test_sizes_that_no_training_could_draw_are_evaluated(small: Small, pairs: int) -> None:
    small.sequences(count=4, pairs=pairs)  # with three pairs, all three labels are in the context

    seen = small.result("evaluate", {"plain": {}, "ours": [{"kind": "ablate", "site": "L1H0.v"}]})

    assert seen["plain/attn"].shape == (4, 2, 2, 2 * pairs + 1, 2 * pairs + 1)
    assert not np.array_equal(seen["ours/logits"], seen["plain/logits"])
