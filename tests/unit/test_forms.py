"""The launch form: every option of the config is in it, and nothing typed is lost or misread."""

import pytest
from pydantic import BaseModel

from app.schemas.clamp import Ablate, InductionPattern, PreviousTokenPattern
from app.schemas.config import ModelConfig, RunConfig, TrainingConfig
from app.schemas.presets import PRESETS
from app.schemas.site import Site
from app.services.forms import ConfigForm, form_of, read_form
from app.services.lights import Light, circuit, lit_heads

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
        assert field.default == field.value != "", field.path


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


@pytest.mark.parametrize("text", ["600000", "600,000", "600 000", "600_000", "6e5", " 600000 "])
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


@pytest.mark.parametrize(
    ("program", "start"),
    [
        ("[", "This is not JSON (line 1, column 2)"),
        ("{}", "Write a list of clamps"),
        ("[7]", "Clamp 1: "),
        ('[{"kind": "ablat", "site": "L1H0.v"}]', "Clamp 1: 'ablat' is no kind of clamp"),
        ('[{"kind": "ablate", "site": "L1H9.v"}]', "Clamp 1: L1H9.v: the model has heads 0 to 7"),
        ('[{"kind": "ablate", "site": "L1H0.k"}]', "Clamp 1: L1H0.k: heads are ablated at"),
        ('[{"kind": "ablate"}]', "Clamp 1: Something is missing: site"),
    ],
)
def test_a_program_that_cannot_be_says_which_clamp_and_why(program, start):
    form = read(program=program)

    assert form.config is None
    assert form.program_errors[0].startswith(start)
    assert form.program_text == program


def test_a_clamp_that_cannot_be_is_shown_beside_other_errors():
    form = read(program='[{"kind": "ablate", "site": "L1H9.v"}]', task__classes="1")

    assert form.program_errors == ["Clamp 1: L1H9.v: the model has heads 0 to 7."]
    assert form.errors["task.classes"] == ["Must be at least 2."]


def test_a_program_that_cannot_be_is_told_beside_other_errors():
    program = '[{"kind": "ablate", "site": "L1H3.v"}, {"kind": "ablate", "site": "L1.v"}]'

    form = read(program=program, training__learning_rate="fast")

    assert sorted(form.errors) == ["program", "training.learning_rate"]
    assert form.program_errors == ["Clamp 2: L1.v: Layer 2, head 3 is already ablated (L1H3.v)."]


def test_the_grid_has_a_shape_while_the_model_is_wrong():
    wrong = read(model__heads="many")

    assert wrong.model == ModelConfig()
    assert read(model__heads="4", model__width="64", task__classes="1").model.heads == 4


def test_every_head_shows_its_light():
    program = (
        PreviousTokenPattern(site=Site.parse("L0H2.pattern")),
        InductionPattern(site=Site.parse("L1H3.pattern[query]"), strength=0.5),
        Ablate(site=Site.parse("L1H0,1.v")),
    )

    last, first = lit_heads(program, ModelConfig())

    assert [head.light for head in last[:4]] == [
        Light.SILENCE,
        Light.SILENCE,
        Light.NONE,
        Light.INDUCTION,
    ]
    assert (last[3].word, last[3].tone, last[3].name) == (
        "induction 0.5",
        "driven",
        "Layer 2, head 3",
    )
    assert [head.tone for head in first[1:4]] == ["none", "driven", "none"]
    assert last[0].clamps == [{"kind": "ablate", "point": "v", "positions": "all"}]


@pytest.mark.parametrize(
    ("program", "states"),
    [
        ("[]", ("learned", "learned", "learned")),
        ('[{"kind": "ablate", "site": "L1.v"}]', ("learned", "blocked", "blocked")),
        ('[{"kind": "ablate", "site": "L0.v"}]', ("blocked", "learned", "learned")),
    ],
)
def test_the_circuit_shows_what_is_fixed_learned_or_out_of_reach(program, states):
    form = read(program=program)

    drawn = circuit(form.program, form.model)

    assert (drawn.previous.state, drawn.match.state, drawn.copy.state) == states


def test_the_presets_light_their_steps_of_the_circuit():
    drawn = {p.id: circuit(p.config.program, p.config.model) for p in PRESETS}

    assert drawn["match"].match.state == "fixed"
    assert drawn["match"].previous.state == "spared"
    assert drawn["previous-token"].previous.state == "fixed"
    assert drawn["unclamped"].previous.state == "learned"
