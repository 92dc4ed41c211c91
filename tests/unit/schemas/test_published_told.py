"""Imports of the published code: what is refused, ignored, or said to differ."""

import pytest

from app.schemas.clamps.kinds import GraftIn
from app.schemas.clamps.site import Site
from app.schemas.published.importer import Instead, import_published
from tests.unit.schemas.published import COPY, LAYER_1, REST, ignored, published, refused


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer", "only adam"),
        ({"weight_decay": 0.1}, "weight_decay", "no weight decay"),
        ({"not_causal": True}, "not_causal", "always causal"),
        ({"no_norm": True}, "no_norm", "norms"),
        ({"init_rescale": 0.5}, "init_rescale", "never rescaled"),
        ({"sin_time": 30}, "sin_time", "10,000"),
        ({"load_from_ckpt": "a.eqx"}, "load_from_ckpt", "fork a run"),
        ({"config_from_file": "a.json"}, "config_from_file", "import that file"),
        ({"data_type": "onehot"}, "data_type", "from a file"),
        ({"data_file": "features.pkl"}, "data_file", "must end in .h5"),
        ({"data_path_in_file": "vgg"}, "data_path_in_file", "resnet18/224/feat"),
        ({"mixing_coeffs": [0.5, 0.5], "pt_burstiness": [1, 0]}, "mixing_coeffs", "one kind"),
        ({"mixing_coeffs": [0.0]}, "mixing_coeffs", "above 0"),
        ({"mixing_coeffs": None}, "mixing_coeffs", "one kind"),
        ({"pt_burstiness": [1, 1]}, "pt_burstiness", "one kind"),
        ({"pt_distract": [0]}, "pt_distract", "always in the context"),
        ({"train_context_len": 8}, "train_context_len", "twice pt_burstiness"),
        ({"fs_relabel": 0}, "fs_relabel", "keeps classes as labels"),
        ({"fs_relabel": 2}, "fs_relabel", "3 labels or more"),
        ({"fs_relabel_split": None}, "fs_relabel_split", "always held out"),
        ({"fs_relabel_split": [10, 0, 0]}, "fs_relabel_split", "holds out 0 of 10"),
        ({"fs_relabel_split": [1, 9, 0]}, "fs_relabel_split", "do not hold every label"),
        ({"model_output_classes": 7}, "model_output_classes", "as many outputs as labels"),
        ({"class_split": [1622, 1, 0]}, "class_split", "2 classes or more"),
        ({"exemplar_split": [5, 0, 0]}, "exemplar_split", "keep an exemplar"),
        (
            {"exemplar_split": [2, 3, 0], "match_query_and_distractors": True},
            "match_query_and_distractors",
            "independently",
        ),
        ({"eval_every": None}, "eval_every", "how often to evaluate"),
        ({"eval_sched": [0, 1000]}, "eval_every", "not both"),
        ({"eval_every": None, "eval_sched_file": "a.pkl"}, "eval_sched_file", "pickle"),
        ({"ckpt_sched_file": "a.pkl"}, "ckpt_sched_file", "pickle"),
        ({"num_heads": 7}, "d_model", "not a multiple of 7 heads"),
        ({"depth": 9}, "depth", "less than or equal to 8"),
        ({"eval_iters": 3}, "eval_iters", "greater than or equal to 8"),
        ({"init_seed": -1}, "init_seed", "greater than or equal to 0"),
        ({"train_iters": "many"}, "train_iters", "valid integer"),
        ({"class_split": [50, 100]}, "class_split", "at least 3 items"),
        ({"learning_rate": 1e-3}, "learning_rate", "did you mean lr?"),
        ({"ablate_heads": ["1:3"]}, "ablate_heads", "write opto_ablate_heads"),
        ({"train_itters": 5}, "train_itters", "did you mean train_iters?"),
        ({"opto_ablate_head": ["1:3"]}, "opto_ablate_head", "did you mean opto_ablate_heads?"),
        ({"opto_ablate_heads": ["L1H3"]}, "opto_ablate_heads", "match pattern"),
        ({"opto_ablate_heads": ["1:8"]}, "opto_ablate_heads", "heads 0 to 7"),
        ({"opto_match_heads": ["2:0"]}, "opto_match_heads", "layers 0 to 1"),
        (
            {"opto_final_layer_silence_non_label_attn": [9]},
            "opto_final_layer_silence_non_label_attn",
            "heads 0 to 7",
        ),
        ({"opto_set_head_temperature": ["1:3:0"]}, "opto_set_head_temperature", "above 0"),
        ({"opto_set_head_temperature": ["1:3:1e"]}, "opto_set_head_temperature", "above 0"),
        ({"opto_set_head_temperature": ["1:3:2", "0:1:2"]}, "opto_set_head_temperature", "one la"),
        (
            {"opto_prev_token_heads": ["0:2"], "opto_induction_heads": ["0:2"]},
            "opto_prev_token_heads",
            "both name 0:2",
        ),
        (
            {"opto_prev_token_heads": ["0:2"], "opto_disallow_prev_token_heads": ["0:02"]},
            "opto_prev_token_heads",
            "both name 0:2",
        ),
        (
            {"opto_prev_token_heads": ["0:2"], "opto_match_heads": ["0:2"]},
            "opto_match_heads",
            "both decide the pattern of layer 1, head 2",
        ),
        (LAYER_1 | {"opto_ablate_heads": ["0:1"]}, "opto_ablate_heads", "layer 1 alone"),
        (LAYER_1 | {"depth": 3}, "opto_specific_fn", "2 layers; depth is 3"),
        (
            {"opto_ablate_embedding": True, "pos_embedding_type": "ape"},
            "opto_ablate_embedding",
            "positions",
        ),
        (
            COPY | {"train_context_len": 4, "pt_burstiness": [2]},
            "opto_perfect_copy_from_head_pattern",
            "2 context pairs",
        ),
        (
            {"opto_match_heads": ["1:3"], "train_context_len": 4, "pt_burstiness": [2]},
            "opto_match_heads",
            "2 context pairs",
        ),
        (
            {"opto_graft_in_model_ckpt": "a.eqx", "opto_graft_in_model_till_layer": 0},
            "opto_graft_in_model_ckpt",
            "graft_in RUN@SEQUENCES beside the config (--graft-in on the command line)",
        ),
        ({"opto_graft_in_model_ckpt": "a@5"}, "opto_graft_in_model_ckpt", "till_layer"),
        (
            {"opto_graft_out_model_ckpt": "a@5", "opto_graft_out_model_from_layer": 2},
            "opto_graft_out_model_from_layer",
            "layers 0 to 1",
        ),
    ],
)
def test_another_experiment_is_refused_at_its_option(options, option, message: str) -> None:
    errors = refused(published(**options))

    assert message in errors[option]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert refused(published(optimizer="sgd", no_norm=True, fs_relabel=0)).keys() >= {
        "optimizer",
        "no_norm",
        "fs_relabel",
    }


@pytest.mark.parametrize(
    ("options", "option", "reason"),
    [
        ({"use_wandb": True}, "use_wandb", "recorded anyway"),
        ({"suppress_output": True}, "suppress_output", "printed"),
        ({"disable_jit": True}, "disable_jit", "same numbers"),
        ({"eval_bs": 10}, "eval_bs", "same numbers"),
        ({"train_microbs": 16}, "train_microbs", "mean of its parts"),
        ({"warmup_steps": 5}, "warmup_steps", "other optimizers"),
        ({"no_load_seeds": True}, "no_load_seeds", "load_from_ckpt"),
        ({"save_eval_data": "a.h5"}, "save_eval_data", "follow from their seed"),
        ({"load_eval_data": ["a.h5"]}, "load_eval_data", "always drawn"),
        ({"pt_unique_rest": [1]}, "pt_unique_rest", "there is no rest"),
        ({"assign_query_label_random": True}, "assign_query_label_random", "replaces all labels"),
        ({"match_query_and_distractors": True}, "match_query_and_distractors", "match anyway"),
        ({"sin_time": 30, "pos_embedding_type": "ape"}, "sin_time", "no time scale"),
        ({}, "base_folder", "database"),
        ({}, "pe_names", "fsl_val_rl is new_label_pairs, fsl_train_valex is new_exemplars and"),
        ({"pe_distract": [1, 1, 0, 1]}, "pe_names", "nothing here stands for fsl_train_valex"),
        (
            {"pe_names": ["odd"], "pe_classes": ["all"]},
            "pe_names",
            "nothing here stands for odd; every run has four others",
        ),
        ({"opto_preserve_patterns": True}, "opto_preserve_patterns", "no other option changes"),
        ({"opto_specific_fn": "standard"}, "opto_specific_fn", "is what it is anyway"),
        (
            {"opto_induction_head_strength": 0.5},
            "opto_induction_head_strength",
            "without opto_induction_heads",
        ),
        (
            {"opto_induction_heads": ["1:3"], "opto_match_heads": ["1:3"]},
            "opto_induction_heads",
            "at head 1:3: has no effect beside opto_match_heads",
        ),
        (COPY | REST, "opto_ablate_heads", "beside opto_perfect_copy_from_head_pattern"),
        (
            LAYER_1 | COPY | REST,
            "opto_ablate_heads",
            "ignores it beside opto_perfect_copy_from_head_pattern",
        ),
        (
            LAYER_1 | {"opto_preserve_keys": True},
            "opto_preserve_keys",
            "perfect_prev_token_input ignores it",
        ),
        (
            {"opto_set_head_temperature": ["1:3:0.5"]},
            "opto_set_head_temperature",
            "freezes the scores of its layer has no effect",
        ),
        (
            {
                "opto_disallow_prev_token_heads": ["1:3"],
                "opto_disallow_prev_token_only_label": True,
            },
            "opto_disallow_prev_token_heads",
            "at head 1:3: has no effect: the output does not depend on it",
        ),
        (
            {
                "opto_prev_token_heads": ["0:2"],
                "opto_prev_token_only_label": True,
                "opto_preserve_patterns": True,
            },
            "opto_prev_token_only_label",
            "every row is clamped",
        ),
        (
            {
                "opto_disallow_prev_token_heads": ["0:2"],
                "opto_disallow_prev_token_only_label": True,
                "opto_set_head_temperature": ["0:5:2.0"],
            },
            "opto_disallow_prev_token_only_label",
            "every row is clamped",
        ),
    ],
)
def test_what_decides_nothing_is_ignored_with_the_reason(options, option, reason: str) -> None:
    assert reason in ignored(import_published(published(**options)))[option]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Attention has no biases"),
        ({}, "The same seeds give other initial weights"),
        ({}, "picks in JAX 0.4"),
        ({}, "the config asks for none"),
        ({"data_file": "omniglot.h5"}, "looked for in the folder"),
        ({"ckpt_every": 500}, "Evaluated every 500 sequences, not every 1,000"),
        ({"ckpt_every": 1500}, "Checkpoints are saved every 2,000 sequences, not every 1,500"),
        ({"eval_every": None, "eval_sched": [0, 7, 500]}, "eval_sched is not even"),
        ({"pos_embedding_type": "ape"}, "Learned positions begin smaller"),
        ({"mlp_ratio": 0}, "as wide as the model"),
        ({"mlp_ratio": 4}, "GELU"),
        ({"train_microbs": 20}, "Batches are of 40 sequences"),
        ({"zipf_alpha": 1}, "same Zipf exponent"),
        ({"noise_scale_train": 0.1}, "no input noise"),
        ({"class_split": [1600, 23, 0]}, "the 23 unused ones"),
        ({"exemplar_split": [1, 3, 1]}, "all 4 exemplars"),
        ({"fs_relabel_split": [6, 2, 2]}, "all 4 held-out pairs, also the 2 of the test split"),
        ({"fs_relabel": 80}, "but others"),
    ],
)
def test_what_is_not_the_same_is_said(options, sentence: str) -> None:
    assert sentence in " ".join(import_published(published(**options)).differs)


def test_a_dataset_and_a_graft_can_stand_for_files_of_the_published_code() -> None:
    content = published(
        opto_graft_in_model_ckpt="x/00001000000.eqx",
        opto_graft_in_model_cfg="x/config.json",
        opto_graft_in_model_till_layer=0,
        data_type="onehot",
        exemplar_split=[5, 0, 0],
    )

    imported = import_published(content, Instead(dataset="glyphs", graft_in="8kq2m4x7vd@1000000"))

    graft = GraftIn(site=Site.parse("L0.resid"), checkpoint="8kq2m4x7vd@1000000")
    assert imported.config.program == (graft,)
    assert imported.config.task.dataset == "glyphs"
    assert "knows its model" in ignored(imported)["opto_graft_in_model_cfg"]
    assert "glyphs was asked for" in ignored(imported)["data_type"]
    assert "opto_graft_in_model_ckpt is 8kq2m4x7vd@1000000" in " ".join(imported.differs)


def test_a_graft_that_the_config_does_not_have_is_refused() -> None:
    errors = refused(published(), Instead(graft_out="8kq2m4x7vd@5"))

    assert "nothing to be 8kq2m4x7vd@5" in errors["opto_graft_out_model_ckpt"]


def test_a_copy_beside_a_graft_out_is_lost_as_in_the_published_code() -> None:
    content = published(**COPY, opto_graft_out_model_ckpt="a@5", opto_graft_out_model_from_layer=0)

    imported = import_published(content)

    assert [clamp.kind for clamp in imported.config.program] == ["graft_out"]
    assert "opto_perfect_copy_from_head_pattern" in ignored(imported)
