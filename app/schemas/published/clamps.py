"""Clamps of the published code that a model cannot have, or that mean something else here."""

from collections.abc import Iterator

from app.schemas.published.config import PublishedConfig
from app.schemas.published.findings import Findings
from app.schemas.published.options import PREFIX, PublishedOptions
from app.schemas.published.task import IN_CONTEXT

_NEED_TWO_PAIRS = ("induction_heads", "perfect_copy_from_head_pattern")


def check_clamps(config: PublishedConfig, options: PublishedOptions, findings: Findings) -> None:
    """Refuses them."""
    for name, place in _beyond(config, options):
        findings.refuse(
            f"{PREFIX}{name}",
            f"{place}: the model has layers 0 to {config.depth - 1} and heads 0 to "
            f"{config.num_heads - 1}",
        )
    if options.is_perfect_layer1:
        _check_perfect_layer1(config, options, findings)
    elif options.ablate_embedding and config.pos_embedding_type != "rope":
        findings.refuse(
            f"{PREFIX}ablate_embedding", "leaves positions that are added to it, which go here too"
        )
    _check_pairs(config, options, findings)


def _beyond(config: PublishedConfig, options: PublishedOptions) -> Iterator[tuple[str, str]]:
    """Layers and heads that the model does not have, by option."""
    for name, heads in options.heads.items():
        for layer, head in heads:
            if layer >= config.depth or head >= config.num_heads:
                yield name, f"{layer}:{head}"
    for head in options.final_layer_silence_non_label_attn:
        if head >= config.num_heads:
            yield "final_layer_silence_non_label_attn", str(head)
    for name in ("graft_in_model_till_layer", "graft_out_model_from_layer"):
        layer = getattr(options, name)
        if layer is not None and layer >= config.depth:
            yield name, str(layer)


def _check_perfect_layer1(
    config: PublishedConfig, options: PublishedOptions, findings: Findings
) -> None:
    if config.depth != 2:
        findings.refuse(
            f"{PREFIX}specific_fn",
            f"perfect_prev_token_input means a model of 2 layers; depth is {config.depth}",
        )
    is_ablated = any(layer == 0 for layer, _ in options.heads["ablate_heads"])
    if is_ablated and options.perfect_copy_from_head_pattern is None:
        findings.refuse(
            f"{PREFIX}ablate_heads", "perfect_prev_token_input can ablate heads of layer 1 alone"
        )


def _check_pairs(config: PublishedConfig, options: PublishedOptions, findings: Findings) -> None:
    """Patterns that the published code wrote for two context pairs: with more it fails, or their
    weights sum to more than 1."""
    if config.train_context_len == IN_CONTEXT:
        return
    names = [name for name in _NEED_TWO_PAIRS if options.heads[name]]
    if options.match_heads and options.match_head_temperature == 0:
        names.append("match_heads")
    for name in names:
        findings.refuse(
            f"{PREFIX}{name}",
            f"means 2 context pairs in the published code; train_context_len is "
            f"{config.train_context_len}",
        )
