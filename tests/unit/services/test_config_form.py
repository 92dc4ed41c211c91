"""The launch form: every option of the config is in it, and nothing typed is lost or misread."""

import pytest
from pydantic import BaseModel

from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig
from app.schemas.presets import PRESETS
from app.services.launch.clamp_rows import clamp_rows
from app.services.launch.config_form import ConfigForm, form_of, read_form

OPTIONAL = {"task.held_out_pairs"}
DEFAULT = dict(form_of(RunConfig()).typed)


def read(**typed: str) -> ConfigForm:
    """The default form with some fields changed; `__` stands for the dot of a form name."""
    return read_form(DEFAULT | {name.replace("__", "."): text for name, text in typed.items()})


def options() -> list[tuple[str, str]]:
    return [
        (name, option)
        for name, info in RunConfig.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        for option in info.annotation.model_fields
    ]


def test_every_option_of_the_config_is_a_field_with_label_default_and_explanation():
    fields = {field.path: field for part in form_of(RunConfig()).sections for field in part.fields}

    assert sorted(fields) == sorted(f"{section}.{option}" for section, option in options())
    for field in fields.values():
        assert field.label[0].isupper(), field.path
        assert field.help.endswith("."), field.path
        assert field.default == field.value, field.path
        assert field.default or field.path in OPTIONAL, field.path


def test_a_count_of_sequences_shows_its_unit():
    (field,) = [
        f
        for part in form_of(RunConfig()).sections
        for f in part.fields
        if f.id == "training-sequences"
    ]

    assert (field.unit, field.default, field.kind) == ("sequences", "1,000,000", "integer")
    assert field.limits == "at least 1, at most 1,000,000,000"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_a_config_survives_the_form(preset):
    assert read_form(form_of(preset.config).typed).config == preset.config


def test_the_default_form_is_the_papers_main_experiment():
    assert read_form(DEFAULT).config == RunConfig()
    assert read_form({}).config == RunConfig()


@pytest.mark.parametrize(
    "text", ["600000", "600,000", "600 000", "600_000", "6e5", " 600000 ", "600k", "0.6M"]
)
def test_whole_numbers_may_be_written_as_people_write_them(text):
    assert read(training__sequences=text).config == RunConfig(
        training=TrainingConfig(sequences=600_000)
    )


def test_a_box_that_is_not_ticked_is_off():
    config = read(model__attn_bias="false").config

    assert config is not None
    assert config.model.attn_bias is False


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("task.classes", "1", "Must be at least 2."),
        ("training.sequences", "2,000,000,000", "Must be at most 1,000,000,000."),
        ("training.learning_rate", "fast", "Write a number."),
        ("training.learning_rate", "nan", "Write a finite number."),
        ("training.batch_size", "1.5", "Write a whole number."),
        ("training.batch_size", "1e400", "Write a whole number."),
        ("task.held_out", "1", "Must be below 1."),
        ("model.positions", "absolute", "Choose 'rotary', 'learned' or 'sinusoidal'."),
        ("task.dataset", "mnist", "Write one of the forms named below."),
    ],
)
def test_an_error_is_a_sentence_at_its_field(name, text, sentence):
    form = read_form(DEFAULT | {name: text})

    assert form.config is None
    assert form.errors == {name: [sentence]}
    (field,) = [f for part in form.sections for f in part.fields if f.path == name]
    assert (field.value, field.errors) == (text, [sentence])


def test_several_errors_are_all_shown_at_once():
    form = read(task__classes="1", training__batch_size="none")

    assert sorted(form.errors) == ["task.classes", "training.batch_size"]


def test_what_contradicts_itself_is_shown_at_its_section_in_the_forms_words():
    form = read(recording__frame_every="7")

    (recording,) = [part for part in form.sections if part.name == "recording"]
    assert recording.errors == ["“Frames every” must be a multiple of “Evaluate every”, 5000."]
    assert recording.has_errors


def test_label_pairs_are_held_out_as_they_are_written():
    form = read(task__held_out_pairs="2-3, 3-4")

    assert form.config is not None
    assert form.config.task == TaskConfig(held_out_pairs=((2, 3), (3, 4)))
    assert form_of(form.config).typed["task.held_out_pairs"] == "2-3, 3-4"
    (said,) = read(task__held_out_pairs="2-9").errors["task"]
    assert said == "“Held out by hand”: 2-9 is not among the labels 0 to 4."


def test_the_program_is_written_a_clamp_a_line_with_a_window_only_where_there_is_one():
    text = (
        '[\n  {"kind": "ablate", "site": "L1H3.v", "until_sequences": 900},\n'
        '  {"kind": "set_pattern", "target": "induction", "site": "L1H0.pattern[query]", '
        '"strength": 0.5}\n]'
    )

    config = read(program=text).config

    assert config is not None
    assert form_of(config).program_text == text


@pytest.mark.parametrize(
    ("program", "start"),
    [
        ("[", "This is not JSON (line 1, column 2)"),
        ("{}", "Write a list of clamps"),
        ("[" * 100_000, "Write a list of clamps: [ ... ]; this nests too deeply."),
    ],
)
def test_a_text_that_is_no_program_says_so_at_the_text(program, start):
    form = read(program=program)

    assert form.config is None
    assert form.program_errors[0].startswith(start)
    assert form.program_text == program


NESTED = '[{"kind": "set_pattern", "target": "%s", "site": "L1H3.pattern[query]", "strength": %s}]'


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("[7]", 'Write a clamp: {"kind": ..., "site": ...}.'),
        ('[{"site": "L1.v"}]', 'L1.v: say which clamp it is: "kind" is missing.'),
        ('[{"kind": "ablate"}]', "Something is missing: site."),
        ('[{"kind": "ablate", "site": "L1H9.v"}]', "L1H9.v: the model has heads 0 to 7."),
        (
            '[{"kind": "set", "site": "L1.z", "value": "x"}]',
            "L1.z: “Value”: One number, or a list with one per feature.",
        ),
        (
            '[{"kind": "graft_in", "site": "L0.resid", "checkpoint": "x"}]',
            "L0.resid: “Checkpoint”: RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the "
            "same shape.",
        ),
        (
            '[{"kind": "ablate", "site": "L1.v", "until_sequences": 0}]',
            "L1.v: “Off from” must be at least 1.",
        ),
        ('[{"kind": "ablate", "site": "L1.v", "by": 1}]', "L1.v: 'by' means nothing here."),
        (
            '[{"kind": "scale", "site": "L1.z", "by": 1}]',
            "L1.z: a factor of 1 changes nothing.",
        ),
        (NESTED % ("induction", "3"), "L1H3.pattern[query]: “Strength” must be at most 1."),
        (NESTED % ("induction", '"x"'), "L1H3.pattern[query]: “Strength”: write a number."),
        (
            NESTED % ("copy", "1"),
            "L1H3.pattern[query]: 'copy' is no target of set_pattern; write one of induction, "
            "previous_token, match.",
        ),
    ],
)
def test_a_clamp_that_cannot_be_says_at_its_row_where_it_is_and_why(program, sentence):
    form = read(program=program)

    (row,) = clamp_rows(form)
    assert form.config is None
    assert form.errors == {"program.0": [sentence]}
    assert row.errors == [sentence]
    assert form.program_text == program


def test_an_unknown_kind_is_told_with_the_known_ones():
    (said,) = read(program='[{"kind": "ablat", "site": "L1.v"}]').errors["program.0"]

    assert said.startswith("L1.v: 'ablat' is no kind of clamp; write one of set_pattern, ")


def test_one_clamp_that_is_wrong_hides_none_of_the_others():
    form = read(
        program='[{"kind": "ablate", "site": "L1H0.v"}, {"kind": "ablate", "site": "v"}]',
        task__classes="1",
    )

    good, bad = clamp_rows(form)
    assert (good.name, good.site, good.tone, good.errors) == ("Ablate", "L1H0.v", "silenced", ())
    assert good.sentence == "Layer 2, head 0 is silenced: it writes nothing."
    assert bad.errors == ["'v' names no layer; write L0.v or L*.v."]
    assert sorted(form.errors) == ["program.1", "task.classes"]


def test_a_contradiction_is_told_at_the_later_clamp_beside_other_errors():
    program = '[{"kind": "ablate", "site": "L1H3.v"}, {"kind": "ablate", "site": "L1.v"}]'

    form = read(program=program, training__learning_rate="fast")

    assert sorted(form.errors) == ["program.1", "training.learning_rate"]
    (said,) = form.errors["program.1"]
    assert said.startswith("L1.v: ")
    assert "(L1H3.v) both decide the v of layer 2, head 3" in said


def test_the_grid_has_a_shape_while_the_model_is_wrong():
    wrong = read(model__heads="many")

    assert wrong.model == ModelConfig()
    assert read(model__heads="4", model__width="64", task__classes="1").model.heads == 4
