"""The published code's options other than clamps, with its names and its defaults.

Its saved `config.json` holds all of them; what a config written by hand leaves out has the default
of its option parser. Source: icl-dynamics, `main_utils.py`, April 2025.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.schemas.published.options import PREFIX, PublishedOptions

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
ThreeCounts = Annotated[list[Count], Field(min_length=3, max_length=3)]
ThreeShares = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=3, max_length=3)]
Flag = Literal[0, 1]
ClassSet = Literal["train", "val", "test", "all"]
# A scheme that is not given is sometimes written as nothing.
Scheme = Annotated[str, BeforeValidator(lambda value: "None" if value is None else value)]


class PublishedConfig(BaseModel):
    """The config of one run of the published code, without its clamps."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # how it is run
    config_from_file: str | None = None
    suppress_output: bool = False
    base_folder: str = "./runs"
    use_wandb: bool = False
    raw_name: bool = False
    run: str = "run"
    disable_jit: bool = False
    # model
    depth: int = 2
    not_causal: bool = False
    init_rescale: float = 1.0
    pos_embedding_type: Literal["ape", "rope", "sinusoidal"] = "rope"
    sin_time: float = 10_000.0
    d_model: Positive = 64
    num_heads: int = 8
    mlp_ratio: float | None = Field(None, ge=0)
    model_output_classes: int | None = None
    no_norm: bool = False
    # training
    init_seed: int = 5
    train_seed: int = 0
    train_iters: Positive = 100_000
    train_bs: Positive = 32
    train_microbs: Positive | None = None
    lr: float = 1e-5
    optimizer: str = "adam"
    weight_decay: float = 0.0
    load_from_ckpt: str | None = None
    load_from_ckpt_cfg: str | None = None
    no_load_seeds: bool = False
    no_load_opt_state: bool = False
    ckpt_every: Positive | None = None
    ckpt_sched: list[Count] | None = None
    ckpt_sched_file: str | None = None
    train_context_len: Positive = 8
    warmup_steps: int = 4000
    decay_steps: int = 1_000_000
    # what training sequences are mixed of
    mixing_coeffs: list[float] = []
    pt_burstiness: list[int] = []
    pt_distract: list[Flag] | None = None
    pt_no_support: list[Flag] | None = None
    pt_unique_rest: list[Flag] | None = None
    # evaluation
    eval_seed: int = 1
    eval_iters: int = 1000
    eval_bs: int = 1000
    eval_every: Positive | None = None
    eval_sched: list[Count] | None = None
    eval_sched_file: str | None = None
    save_eval_data: str | None = None
    load_eval_data: list[str] | None = None
    pe_names: list[str] = []
    pe_classes: list[ClassSet] = []
    pe_exemplars: list[ClassSet] = []
    pe_burstiness: list[int] = []
    pe_noise_scale: list[float] | None = None
    pe_distract: list[Flag] | None = None
    pe_no_support: list[Flag] | None = None
    pe_unique_rest: list[Flag] | None = None
    pe_fs_relabel_scheme: list[Scheme] | None = None
    pe_context_len: list[int] | None = None
    pe_assign_query_label_random: list[Flag] | None = None
    # data
    data_type: str = "file"
    data_file: str = "omniglot_features.h5"
    data_path_in_file: str = "resnet18/224/feat"
    class_split: ThreeCounts = [1600, 23, 0]
    exemplar_split: ThreeCounts = [5, 0, 0]
    fs_relabel: Count = 0
    fs_relabel_split: ThreeShares | None = None
    fs_relabel_split_seed: int = 20
    noise_scale_train: float = 0.0
    zipf_alpha: float = 0.0
    match_query_and_distractors: bool = False
    assign_query_label_random: bool = False

    @property
    def given(self) -> list[str]:
        """Options that ask for something else than the parser's default, in its order."""
        return [
            name
            for name, field in type(self).model_fields.items()
            if getattr(self, name) != field.default
        ]

    @property
    def used_batch(self) -> int:
        """Sequences per update: that code raises it to a multiple of the micro-batch."""
        micro = self.train_microbs or self.train_bs
        rest = self.train_bs % micro
        return self.train_bs if rest == 0 else micro * (self.train_bs // micro + 1)


KNOWN = (
    *PublishedConfig.model_fields,
    *(f"{PREFIX}{name}" for name in PublishedOptions.model_fields),
)
_OURS = {  # by our names, which somebody may take for theirs
    "layers": "depth",
    "heads": "num_heads",
    "width": "d_model",
    "positions": "pos_embedding_type",
    "dataset": "data_file",
    "labels": "fs_relabel",
    "context_pairs": "train_context_len",
    "sequences": "train_iters",
    "batch_size": "train_bs",
    "learning_rate": "lr",
    "evaluate_every": "eval_every",
    "checkpoint_every": "ckpt_every",
}
# Options that the published code got in March 2025, when its attention lost its biases.
SINCE_2025 = frozenset(
    {
        "assign_query_label_random",
        "no_load_opt_state",
        "no_load_seeds",
        "suppress_output",
        "opto_ablate_embedding",
        "opto_disallow_prev_token_heads",
        "opto_disallow_prev_token_only_label",
        "opto_final_layer_silence_non_label_attn",
        "opto_graft_out_model_cfg",
        "opto_graft_out_model_ckpt",
        "opto_graft_out_model_from_layer",
        "opto_match_head_temperature",
        "opto_match_heads",
        "opto_preserve_keys",
        "opto_preserve_queries",
        "opto_prev_token_head_strength",
        "opto_prev_token_only_label",
        "opto_set_head_temperature",
    }
)


def is_of_2024(content: Mapping[str, object]) -> bool:
    """Whether a config was saved by the code of the paper's release: it holds all options of that
    time, and none of those that came later."""
    return content.keys() >= set(KNOWN) - SINCE_2025 and not content.keys() & SINCE_2025


def unknown_options(content: Mapping[str, object]) -> dict[str, str]:
    """Names that the published code does not have, each with what to do about it."""
    return {name: _hint(name) for name in content if name not in KNOWN}


def _hint(name: str) -> str:
    plain = name.lstrip("-").replace("-", "_").lower()
    if f"{PREFIX}{plain}" in KNOWN:
        return f"the published code has no such option; write {PREFIX}{plain}"
    near = [_OURS[plain]] if plain in _OURS else get_close_matches(plain, KNOWN, 1)
    what = f"did you mean {near[0]}?" if near else "leave it out"
    return f"the published code has no such option; {what}"
