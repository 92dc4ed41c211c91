"""The published code's options of the model, the training and its recording, as ours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.schemas.config import RecordingConfig
from app.schemas.published.config import PublishedConfig
from app.schemas.published.findings import Findings
from app.schemas.words import grouped

Section = dict[str, Any]

ROTARY_BASE = 10_000.0
POSITIONS = {"rope": "rotary", "ape": "learned", "sinusoidal": "sinusoidal"}

_NO_CHECKPOINT = "is only looked at with load_from_ckpt"
_OTHER_OPTIMISER = "is only looked at by other optimizers than adam"

# Options that decide nothing here, whatever they say.
IGNORED = {
    "suppress_output": "only says how much is printed",
    "base_folder": "runs are kept in the database and its checkpoint store",
    "use_wandb": "every measurement is recorded anyway; the API hands them out",
    "raw_name": "only says how folders are named",
    "disable_jit": "only says how the same numbers are computed",
    "load_from_ckpt_cfg": _NO_CHECKPOINT,
    "no_load_seeds": _NO_CHECKPOINT,
    "no_load_opt_state": _NO_CHECKPOINT,
    "warmup_steps": _OTHER_OPTIMISER,
    "decay_steps": _OTHER_OPTIMISER,
    "eval_bs": "evaluating in smaller batches gives the same numbers",
    "save_eval_data": "the evaluators' sequences follow from their seed",
    "load_eval_data": "the four evaluators are always drawn from the dataset",
}

# Options without which it would be another experiment: which values can be had, or what to do.
_REFUSED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "config_from_file": (
        lambda value: value is not None,
        "names a config that replaces all of this one; import that file instead",
    ),
    "not_causal": (bool, "attention is always causal here"),
    "init_rescale": (lambda value: value != 1, "initial weights are never rescaled here"),
    "no_norm": (bool, "the model always has its norms here"),
    "optimizer": (lambda value: value != "adam", "only adam, at a constant rate, trains here"),
    "weight_decay": (lambda value: value != 0, "there is no weight decay here; it must be 0"),
    "load_from_ckpt": (
        lambda value: value is not None,
        "an .eqx checkpoint cannot be read here; fork a run of this server at a checkpoint instead",
    ),
    "eval_sched_file": (
        lambda value: value is not None,
        "a pickle file is not read here; write its list as eval_sched, or give eval_every",
    ),
    "ckpt_sched_file": (
        lambda value: value is not None,
        "a pickle file is not read here; write its list as ckpt_sched, or give ckpt_every",
    ),
}


def read_fixed(config: PublishedConfig, findings: Findings) -> None:
    """Options that are refused or ignored for their value alone."""
    for option, (is_refused, reason) in _REFUSED.items():
        if is_refused(getattr(config, option)):
            findings.refuse(option, reason)
    for option in config.given:
        if option in IGNORED:
            findings.ignore(option, IGNORED[option])


def model_section(config: PublishedConfig, findings: Findings, *, attn_bias: bool) -> Section:
    """`model`: layers, heads, width, MLP, biases and positions."""
    if config.sin_time != ROTARY_BASE:
        if config.pos_embedding_type == "ape":
            findings.ignore("sin_time", "learned positions have no time scale")
        else:
            findings.refuse("sin_time", "the time scale of positions is always 10,000 here")
    if config.pos_embedding_type == "ape":
        findings.differ(
            "Learned positions begin smaller here: a truncated normal of 0.02, not evenly up to "
            "0.18."
        )
    findings.differ(_bias_sentence(attn_bias))
    return {
        "layers": config.depth,
        "heads": config.num_heads,
        "width": config.d_model,
        "mlp_ratio": _mlp_ratio(config, findings),
        "attn_bias": attn_bias,
        "positions": POSITIONS[config.pos_embedding_type],
    }


def _bias_sentence(attn_bias: bool) -> str:
    if attn_bias:
        return (
            "Attention has biases: the config was saved by the code of the paper's release "
            "(April 2024), which had them."
        )
    return (
        "Attention has no biases, as in the published code since March 2025; the paper's figures "
        "were made with them (model.attn_bias)."
    )


def _mlp_ratio(config: PublishedConfig, findings: Findings) -> float:
    """Its hidden size is the ratio's integer part, and the width if that is 0."""
    if config.mlp_ratio is None:
        return 0.0
    hidden = int(config.d_model * config.mlp_ratio) or config.d_model
    findings.differ("The MLP's GELU is exact here, and its tanh approximation there.")
    if config.mlp_ratio == 0:
        findings.differ("mlp_ratio 0 is an MLP as wide as the model there, and so here.")
    return hidden / config.d_model


def training_section(config: PublishedConfig, findings: Findings) -> Section:
    """`training`: how long, in which batches, how fast."""
    if config.train_microbs not in (None, config.train_bs):
        findings.ignore("train_microbs", "the gradient of a batch is the mean of its parts anyway")
    if config.used_batch != config.train_bs:
        findings.differ(
            f"Batches are of {config.used_batch} sequences: the published code raises train_bs "
            f"{config.train_bs} to a multiple of train_microbs."
        )
    return {
        "sequences": config.train_iters,
        "batch_size": config.used_batch,
        "learning_rate": config.lr,
    }


def seeds_section(config: PublishedConfig, findings: Findings) -> Section:
    """`seeds`, which start other generators here."""
    findings.differ(
        "The same seeds give other initial weights and other sequences here: the random numbers "
        "are not JAX's."
    )
    return {
        "initial": config.init_seed,
        "data": config.train_seed,
        "evaluation": config.eval_seed,
        "label_pairs": config.fs_relabel_split_seed,
    }


def recording_section(config: PublishedConfig, findings: Findings) -> Section:
    """`recording`: evaluations and checkpoints as often as asked; frames as often as usual."""
    evaluate = _evaluations(config, findings)
    checkpoint = _interval(config, "ckpt", config.ckpt_every, config.ckpt_sched, findings)
    usual = RecordingConfig()
    if evaluate is None:
        return {}
    if checkpoint is None:
        checkpoint = _up_to_multiple(usual.checkpoint_every, evaluate)
        findings.differ(
            f"Checkpoints are saved every {grouped(checkpoint)} sequences, so that the run can "
            "be resumed and forked; the config asks for none."
        )
    elif checkpoint % evaluate:
        evaluate, checkpoint = _together(evaluate, checkpoint, findings)
    frames = _up_to_multiple(usual.frame_every, evaluate)
    return {
        "evaluate_every": evaluate,
        "evaluation_sequences": config.eval_iters,
        "frame_every": frames,
        "checkpoint_every": checkpoint,
    }


def _evaluations(config: PublishedConfig, findings: Findings) -> int | None:
    if config.eval_every is None and config.eval_sched is None:
        if config.eval_sched_file is None:
            findings.refuse("eval_every", "say how often to evaluate: eval_every or eval_sched")
        return None
    return _interval(config, "eval", config.eval_every, config.eval_sched, findings)


def _interval(
    config: PublishedConfig,
    what: str,
    every: int | None,
    schedule: Sequence[int] | None,
    findings: Findings,
) -> int | None:
    """How many sequences apart; nothing if a schedule has none within the training."""
    if every is not None and schedule is not None:
        findings.refuse(f"{what}_every", f"give it or {what}_sched, not both")
    if every is not None or schedule is None:
        return every
    end = config.train_iters
    within = sorted({place for place in schedule if place < end})
    if not within:
        return end if what == "eval" else None
    if len(within) == 1:
        step = end - within[0] if within[0] == 0 else within[0]
    else:
        step = within[1] - within[0]
    if within != list(range(0, end, step)):
        step = max(1, end // len(within))
        findings.differ(
            f"{what}_sched is not even; here it is every {grouped(step)} sequences, about as often."
        )
    return step


def _together(evaluate: int, checkpoint: int, findings: Findings) -> tuple[int, int]:
    """Checkpoints are saved where there is an evaluation."""
    if evaluate % checkpoint == 0:
        findings.differ(
            f"Evaluated every {grouped(checkpoint)} sequences, not every {grouped(evaluate)}: "
            "checkpoints are saved at evaluations here."
        )
        return checkpoint, checkpoint
    near = _up_to_multiple(checkpoint, evaluate)
    findings.differ(
        f"Checkpoints are saved every {grouped(near)} sequences, not every {grouped(checkpoint)}: "
        "they are saved at evaluations here."
    )
    return evaluate, near


def _up_to_multiple(number: int, of: int) -> int:
    return -(-number // of) * of
