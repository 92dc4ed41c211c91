"""Configs of the published code become run configs, or are refused at an option."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.schemas.clamps.dataflow import Dataflow
from app.schemas.config import RunConfig, dimensions_of
from app.schemas.published.config import KNOWN, SINCE_2025, PublishedConfig
from app.schemas.published.draw import held_out_pairs
from app.schemas.published.importer import Imported, import_published
from app.schemas.published.options import PublishedOptions, exact_program
from app.schemas.published.program import effective_program
from tests.unit.schemas.published import (
    ABLATED,
    COMMON,
    COPY,
    HEADS,
    LAYER_1,
    PRESET,
    REST,
    ignored,
    induction,
    only,
    previous,
    published,
)

STRENGTHS = (1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.3, 0.2, 0.1, 0)
INVENTORY = {
    "main": ({}, ()),
    "noclamp": (REST, ABLATED),
    "previous token": (REST | {"opto_prev_token_heads": ["0:2"]}, PRESET["previous-token"]),
    "layer 1": (REST | LAYER_1, PRESET["layer-1"]),
    "match": (REST | {"opto_induction_heads": ["1:3"]}, PRESET["match"]),
    "copy": (COPY, PRESET["copy"]),
    "layer 1 and copy": (LAYER_1 | COPY, PRESET["layer-1-and-copy"]),
    "another previous-token head": (
        REST | {"opto_prev_token_heads": ["0:6"]},
        ABLATED + previous("L0H6.pattern"),
    ),
    "three previous-token heads": (
        REST | {"opto_prev_token_heads": ["0:1", "0:2", "0:5"]},
        ABLATED + previous("L0H1,2,5.pattern"),
    ),
    "all previous-token heads": (
        REST | {"opto_prev_token_heads": [f"0:{head}" for head in HEADS]},
        ABLATED + previous("L0.pattern"),
    ),
}
INVENTORY |= {
    f"only head {kept}": (
        {"opto_ablate_heads": [f"1:{head}" for head in HEADS if head != kept]},
        only(kept),
    )
    for kept in HEADS
}
INVENTORY |= {
    f"heads 3 and {other}": (
        {"opto_ablate_heads": [f"1:{head}" for head in HEADS if head not in (3, other)]},
        only(3, other),
    )
    for other in HEADS
    if other != 3
}
INVENTORY |= {
    f"strength {strength}": (
        {"opto_induction_heads": ["1:3"], "opto_induction_head_strength": strength},
        induction(strength),
    )
    for strength in STRENGTHS
}


@pytest.mark.parametrize("name", INVENTORY)
def test_every_run_of_the_paper_becomes_the_same_run_here(name: str) -> None:
    options, program = INVENTORY[name]

    imported = import_published(published(**options))

    assert set(imported.config.program) == set(program)
    assert imported.config.model_copy(update={"program": ()}) == RunConfig.model_validate(
        {
            "model": {"attn_bias": False},
            "task": {"dataset": "file:/data/omniglot.h5", "held_out_pairs": [[0, 2], [1, 3]]},
            "training": {"sequences": 600_000},
            "recording": {"evaluate_every": 1000},
        }
    )
    assert imported.name == "omniglot50_rl5"
    assert not [option for option in ignored(imported) if option.startswith("opto_")]


@pytest.mark.parametrize(
    ("classes", "labels", "split"),
    [(100, 5, [8, 2, 0]), (200, 5, [8, 2, 0]), (50, 10, [36, 9, 0]), (50, 15, [84, 21, 0])],
)
def test_runs_with_more_classes_and_labels_are_read(classes, labels, split) -> None:
    content = published(
        class_split=[classes, 1523 - classes, 100],
        fs_relabel=labels,
        fs_relabel_split=split,
        train_iters=2_000_000,
        eval_every=5000,
        ckpt_every=2_000_000,
    )

    config = import_published(content).config

    assert (config.task.classes, config.task.new_classes) == (classes, 100)
    assert (config.task.labels, config.task.held_out) == (labels, 0.2)
    assert len(config.task.held_out_pairs) == split[1]
    assert config.recording.evaluate_every == 5000
    assert config.recording.checkpoint_every == 2_000_000


def test_the_label_pairs_are_those_that_the_paper_held_out() -> None:
    """As its runs have them, at seed 20: 5 labels, and 10 labels."""
    of_ten = "07 09 12 14 24 25 26 28 69"

    assert held_out_pairs(5, 20, 2) == ((0, 2), (1, 3))
    assert held_out_pairs(10, 20, 9) == tuple((int(a), int(b)) for a, b in of_ten.split())


def saved(**options: object) -> dict[str, object]:
    """A config.json as the published code saves it: every option, schedules written out."""
    every = PublishedConfig().model_dump()
    every |= {f"opto_{name}": field for name, field in PublishedOptions().model_dump().items()}
    every = {name: None if value == [] else value for name, value in every.items()}
    every |= published(eval_every=None) | {
        "train_microbs": 32,
        "model_output_classes": 5,
        "eval_sched": list(range(0, 600_000, 1000)),
        "ckpt_sched": [1_200_000],
    }
    return json.loads(json.dumps(every | options))


def test_a_saved_config_is_the_config_that_it_was_saved_from() -> None:
    imported = import_published(saved(**REST))

    assert imported.config == import_published(published(**REST)).config
    assert ignored(imported).keys() == ignored(import_published(published(**REST))).keys()


def test_a_config_saved_by_the_papers_release_has_attention_biases() -> None:
    content = {name: value for name, value in saved().items() if name not in SINCE_2025}

    assert import_published(content).config.model.attn_bias
    assert not import_published(saved()).config.model.attn_bias


def test_what_is_left_out_has_the_parsers_defaults() -> None:
    content = published(train_iters=None, train_bs=None, lr=None, d_model=None, init_seed=None)

    config = import_published(content).config

    assert config.training.sequences == 100_000
    assert (config.training.batch_size, config.training.learning_rate) == (32, 1e-5)
    assert (config.model.width, config.seeds.initial) == (64, 5)


def test_every_number_goes_where_it_belongs() -> None:
    content = published(
        depth=3,
        num_heads=4,
        d_model=32,
        mlp_ratio=2.0,
        pos_embedding_type="sinusoidal",
        init_seed=11,
        train_seed=12,
        eval_seed=13,
        fs_relabel_split_seed=14,
        train_context_len=4,
        pt_burstiness=[2],
        zipf_alpha=1.5,
        noise_scale_train=0.1,
        lr=3e-4,
        train_bs=16,
        eval_iters=500,
        exemplar_split=[2, 3, 0],
    )

    config = import_published(content).config

    assert config.model.model_dump() == {
        "layers": 3,
        "heads": 4,
        "width": 32,
        "mlp_ratio": 2.0,
        "attn_bias": False,
        "positions": "sinusoidal",
    }
    assert config.seeds.model_dump() == {
        "initial": 11,
        "data": 12,
        "evaluation": 13,
        "label_pairs": 14,
        "dataset": 0,
    }
    assert (config.task.context_pairs, config.task.burstiness) == (4, 2)
    assert (config.task.zipf_exponent, config.task.input_noise) == (1.5, 0.1)
    assert config.task.exemplars == 2
    assert (config.training.batch_size, config.training.learning_rate) == (16, 3e-4)
    assert config.recording.evaluation_sequences == 500


SMALL = {"depth": 2, "num_heads": 3, "d_model": 12}
head = st.builds("{}:{}".format, st.integers(0, 1), st.integers(0, 2))
heads = st.lists(head, max_size=3)
clamping = st.fixed_dictionaries(
    {},
    optional={
        "specific_fn": st.sampled_from(["standard", "perfect_prev_token_input"]),
        "ablate_heads": heads,
        "ablate_embedding": st.booleans(),
        "preserve_patterns": st.booleans(),
        "preserve_values": st.booleans(),
        "preserve_queries": st.booleans(),
        "preserve_keys": st.booleans(),
        "set_head_temperature": st.lists(
            st.sampled_from(["1:0:2", "1:2:0.5", "1:0:1", "1:1:1", "0:1:2"]), max_size=2
        ),
        "perfect_copy_from_head_pattern": head,
        "prev_token_heads": heads,
        "prev_token_head_strength": st.sampled_from([0.0, 0.5, 1.0]),
        "prev_token_only_label": st.booleans(),
        "induction_heads": heads,
        "induction_head_strength": st.sampled_from([0.0, 0.5, 1.0]),
        "match_heads": heads,
        "match_head_temperature": st.sampled_from([0.0, 0.1]),
        "disallow_prev_token_heads": heads,
        "disallow_prev_token_only_label": st.booleans(),
        "final_layer_silence_non_label_attn": st.lists(st.integers(0, 2), max_size=2),
        "graft_in_model_ckpt": st.just("a@5"),
        "graft_in_model_till_layer": st.integers(0, 1),
        "graft_out_model_ckpt": st.just("b@5"),
        "graft_out_model_from_layer": st.integers(0, 1),
    },
)


def outcome(content: dict) -> tuple[dict[str, str], Imported | None]:
    """What is refused, by option, or what is imported."""
    try:
        return {}, import_published(content)
    except ValidationError as error:
        return {str(one["loc"][0]): one["msg"] for one in error.errors()}, None


@settings(max_examples=60, deadline=None)
@given(clamping)
def test_any_clamps_are_the_same_computation_or_refused(options: dict) -> None:
    prefixed = {f"opto_{name}": value for name, value in options.items()}

    errors, imported = outcome(published(**SMALL, **prefixed))

    assert all(option.startswith("opto_") for option in errors)
    if imported is None:
        return
    config = imported.config
    flow = Dataflow(dimensions_of(config.model, config.task, config.training))
    exact = exact_program(PublishedOptions.model_validate(options))
    assert flow.output(config.program) == flow.output(exact)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=8), anything, max_size=6))
def test_whatever_is_sent_is_imported_or_refused_with_a_place(content: dict) -> None:
    errors, imported = outcome(COMMON | content)

    assert bool(errors) == (imported is None)
    assert all(errors.values())


def test_options_name_the_same_heads_however_many_there_are() -> None:
    """Twice the same head is once; a temperature given twice is the last one."""
    options = PublishedOptions.model_validate(
        {"ablate_heads": "1:3 1:03 0:1", "set_head_temperature": ["1:2:2", "1:2:4"]}
    )
    config = import_published(published()).config

    program, _ = effective_program(
        options, dimensions_of(config.model, config.task, config.training)
    )

    described = {(clamp.kind, str(clamp.site)) for clamp in program}
    assert {("ablate", "L1H3.v"), ("ablate", "L0H1.v"), ("temperature", "L1H2.score")} <= described
    assert [clamp.temperature for clamp in program if clamp.kind == "temperature"] == [4]


def test_only_label_is_lifted_where_the_published_mask_covers_every_row() -> None:
    """Its masks only grow: beside what covers a whole layer, all rows are clamped."""
    previous = {"prev_token_heads": ["0:2"], "prev_token_only_label": True}
    disallow = {"disallow_prev_token_heads": ["0:2", "1:2"], "disallow_prev_token_only_label": True}

    def sites(**options: object) -> list[str]:
        program = exact_program(PublishedOptions.model_validate(options))
        return [str(clamp.site) for clamp in program if clamp.kind in ("set_pattern", "forbid")]

    assert sites(**previous) == ["L0H2.pattern[labels]"]
    assert sites(**previous, preserve_patterns=True) == ["L0H2.pattern"]
    assert sites(**disallow) == ["L0H2.score[labels]", "L1H2.score[labels]"]
    hot = {"set_head_temperature": ["0:5:2.0"]}
    assert sites(**disallow, **hot) == ["L0H2.score", "L1H2.score[labels]"]


@pytest.mark.parametrize(("ratio", "here"), [(None, 0), (4, 4), (0, 1), (0.01, 1), (0.3, 19 / 64)])
def test_the_mlp_is_as_wide_as_in_the_published_code(ratio, here) -> None:
    assert import_published(published(mlp_ratio=ratio)).config.model.mlp_ratio == here


def test_a_large_model_with_every_head_clamped_is_read_at_once() -> None:
    """Heads that are clamped alike are one question, not one each."""
    every = [f"{layer}:{head}" for layer in range(4) for head in range(16)]
    content = published(
        depth=4, num_heads=16, opto_ablate_heads=every, opto_disallow_prev_token_heads=every
    )

    imported = import_published(content)

    assert {str(clamp.site) for clamp in imported.config.program} == {
        f"L{layer}.v" for layer in range(4)
    }
    assert "has no effect" in ignored(imported)["opto_disallow_prev_token_heads"]
