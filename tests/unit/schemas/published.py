"""Configs of the published code, as its run scripts write them."""

import pytest
from pydantic import ValidationError

from app.schemas.clamps.kinds import Clamp
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS
from app.schemas.published.importer import Imported, Instead, import_published

HEADS = range(8)
OTHERS = [f"1:{head}" for head in HEADS if head != 3]

# Every option that `ih_paper_runs.sh` gives to all of its runs.
COMMON = {
    "data_file": "/data/omniglot.h5",
    "mixing_coeffs": [1.0],
    "pt_burstiness": [1],
    "train_context_len": 2,
    "fs_relabel": 5,
    "fs_relabel_split": [8, 2, 0],
    "exemplar_split": [1, 4, 0],
    "pe_names": ["fsl_train", "fsl_val_rl", "fsl_train_valex", "fsl_test_class"],
    "pe_classes": ["train", "train", "train", "test"],
    "pe_exemplars": ["train", "train", "val", "train"],
    "pe_fs_relabel_scheme": ["train", "val", "train", "train"],
    "pe_burstiness": [1, 1, 1, 1],
    "train_iters": 600_000,
    "train_bs": 32,
    "eval_every": 1000,
    "eval_iters": 1000,
    "lr": 1e-5,
    "d_model": 64,
    "class_split": [50, 1473, 100],
    "run": "omniglot50_rl5",
    "init_seed": 5,
    "base_folder": "./reprod",
    "raw_name": True,
}


def published(**options: object) -> dict[str, object]:
    """A config of the paper's kind with these options; None leaves one out."""
    return {name: value for name, value in (COMMON | options).items() if value is not None}


PRESET = {preset.id: preset.config.program for preset in PRESETS}
ABLATED = PRESET["one-head"]
LAYER_1 = {"opto_specific_fn": "perfect_prev_token_input"}
COPY = {"opto_perfect_copy_from_head_pattern": "1:3"}
REST = {"opto_ablate_heads": OTHERS}


def clamps(*specs: dict) -> tuple[Clamp, ...]:
    return RunConfig.model_validate({"program": specs}).program


def only(*kept: int) -> tuple[Clamp, ...]:
    """The other heads of layer 2 ablated."""
    heads = ",".join(str(head) for head in HEADS if head not in kept)
    return clamps({"kind": "ablate", "site": f"L1H{heads}.v"})


def previous(site: str) -> tuple[Clamp, ...]:
    return clamps({"kind": "set_pattern", "target": "previous_token", "site": site})


def induction(strength: float) -> tuple[Clamp, ...]:
    site = "L1H3.pattern[query]"
    return clamps(
        {"kind": "set_pattern", "target": "induction", "site": site, "strength": strength}
    )


def refused(content: dict, instead: Instead | None = None) -> dict[str, str]:
    """What is refused, by option."""
    with pytest.raises(ValidationError) as caught:
        import_published(content, instead)
    return {str(one["loc"][0]): one["msg"] for one in caught.value.errors()}


def ignored(imported: Imported) -> dict[str, str]:
    return {one.option: one.reason for one in imported.ignored}
