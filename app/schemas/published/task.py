"""The published code's options of its data, as our task."""

from collections.abc import Iterator
from math import comb
from typing import Any

from app.schemas.published.config import PublishedConfig
from app.schemas.published.draw import held_out_pairs
from app.schemas.published.findings import Findings
from app.schemas.words import enumerate_words

IN_CONTEXT = 2  # classes of a sequence that get labels: the query's and the distractor
MOST_PAIRS = 2000  # that are held out by hand
FEATURES = ("resnet18/224/feat", "features")  # where our reader looks in a file
FILES = (".h5", ".hdf5")
PLAIN = {"pe_distract": 1, "pe_no_support": 0, "pe_unique_rest": 0}

# classes, exemplars and relabelling of the evaluators that every run has here
EVALUATORS = {
    ("train", "train", "train"): "train",
    ("train", "train", "val"): "new_label_pairs",
    ("train", "val", "train"): "new_exemplars",
    ("test", "train", "train"): "new_classes",
}
_OF_EVALUATORS = (
    "pe_classes",
    "pe_exemplars",
    "pe_burstiness",
    "pe_noise_scale",
    "pe_distract",
    "pe_no_support",
    "pe_unique_rest",
    "pe_fs_relabel_scheme",
    "pe_context_len",
    "pe_assign_query_label_random",
)


def task_section(
    config: PublishedConfig, findings: Findings, dataset: str | None
) -> dict[str, Any]:
    """`task`: where exemplars come from, how they are split, what a sequence is made of."""
    burstiness = _burstiness(config, findings)
    _check_manipulations(config, findings)
    _check_evaluation(config, findings)
    read_evaluators(config, findings)
    return {
        "dataset": _dataset(config, findings)
        if dataset is None
        else _instead(config, findings, dataset),
        "classes": config.class_split[0],
        "new_classes": _new_classes(config, findings),
        "exemplars": _exemplars(config, findings, is_file=dataset is None),
        "context_pairs": config.train_context_len,
        "burstiness": burstiness,
        "zipf_exponent": config.zipf_alpha,
        "input_noise": config.noise_scale_train,
        **_labels(config, findings),
    }


def _dataset(config: PublishedConfig, findings: Findings) -> str:
    if config.data_type != "file":
        findings.refuse("data_type", "exemplars come from a file; name another dataset beside it")
    if not config.data_file.lower().endswith(FILES):
        findings.refuse("data_file", f"{config.data_file}: the name must end in .h5 or .hdf5")
    if config.data_path_in_file not in FEATURES:
        findings.refuse(
            "data_path_in_file", f"features are read at {FEATURES[0]} or {FEATURES[1]} of a file"
        )
    if not config.data_file.startswith(("/", "~")):
        findings.differ(
            f"{config.data_file} is looked for in the folder in which the worker was started; a "
            "whole path finds it from anywhere."
        )
    return f"file:{config.data_file}"


def _instead(config: PublishedConfig, findings: Findings, dataset: str) -> str:
    findings.differ(f"Exemplars are those of {dataset}, not of {config.data_file}.")
    for option in ("data_type", "data_file", "data_path_in_file"):
        if option in config.given:
            findings.ignore(option, f"{dataset} was asked for instead")
    return dataset


def _new_classes(config: PublishedConfig, findings: Findings) -> int:
    """The last classes of the file; the unused ones where too few are kept for testing."""
    _, unused, test = config.class_split
    if test >= IN_CONTEXT:
        return test
    if unused + test >= IN_CONTEXT:
        findings.differ(
            f"class_split keeps {test} classes for testing; the new_classes evaluator here draws "
            f"from those and the {unused} unused ones."
        )
        return unused + test
    findings.refuse("class_split", "keep 2 classes or more out of training, to test new classes")
    return IN_CONTEXT


def _exemplars(config: PublishedConfig, findings: Findings, *, is_file: bool) -> int:
    train, *others = config.exemplar_split
    if is_file and sum(others) == 0:
        findings.refuse("exemplar_split", "keep an exemplar out of training, to test new exemplars")
    if others[1]:
        findings.differ(
            f"The new_exemplars evaluator draws from all {sum(others)} exemplars that training "
            f"does not see, not from the first {others[0]} of them."
        )
    return train


def _labels(config: PublishedConfig, findings: Findings) -> dict[str, Any]:
    """Size of the vocabulary, and which pairs training never shows."""
    labels, outputs = config.fs_relabel, config.model_output_classes
    if labels == 0:
        findings.refuse(
            "fs_relabel", "0 keeps classes as labels; here each sequence gets labels of its own"
        )
        return {}
    if labels <= IN_CONTEXT:
        findings.refuse(
            "fs_relabel", f"{IN_CONTEXT + 1} labels or more, so that pairs can be held out"
        )
        return {}
    if outputs not in (None, labels):
        findings.refuse("model_output_classes", f"there are as many outputs as labels: {labels}")
    count, every = _held_out_count(config, findings), comb(labels, IN_CONTEXT)
    if not 0 < count < every:
        return {"labels": labels}
    return {"labels": labels, "held_out": count / every, **_by_hand(config, findings, count)}


def _held_out_count(config: PublishedConfig, findings: Findings) -> int:
    """Whole pairs for validation and for test; what is left over is for training."""
    split, every = config.fs_relabel_split, comb(config.fs_relabel, IN_CONTEXT)
    if split is None or not sum(split):
        findings.refuse("fs_relabel_split", "some label pairs are always held out here; say 8 2 0")
        return 0
    for_validation, for_test = (int(every * share / sum(split)) for share in split[1:])
    if not 0 < for_validation + for_test < every:
        findings.refuse(
            "fs_relabel_split",
            f"holds out {for_validation + for_test} of {every} label pairs; at least one must be "
            "held out and one trained on",
        )
    if for_test:
        findings.differ(
            f"The new_label_pairs evaluator draws from all {for_validation + for_test} held-out "
            f"pairs, also the {for_test} of the test split."
        )
    return for_validation + for_test


def _by_hand(config: PublishedConfig, findings: Findings, count: int) -> dict[str, Any]:
    """The very pairs that the published code's seed picks."""
    labels, seed = config.fs_relabel, config.fs_relabel_split_seed
    if comb(labels, IN_CONTEXT) > MOST_PAIRS or not 0 <= seed < 2**32:
        findings.differ("As many label pairs are held out as there, but others.")
        return {}
    held_out = held_out_pairs(labels, seed, count)
    trained = comb(labels, IN_CONTEXT) - count
    seen = {label for pair in _pairs(labels) if pair not in held_out for label in pair}
    if len(seen) < labels:
        findings.refuse(
            "fs_relabel_split",
            f"the {trained} label pairs that are left for training do not hold every label",
        )
    shown = ", ".join(f"{a}-{b}" for a, b in held_out)
    findings.differ(
        f"Held out are the label pairs that fs_relabel_split_seed {seed} picks in JAX 0.4, with "
        f"which the paper's runs were made ({shown}); later versions of JAX pick others."
    )
    return {"held_out_pairs": held_out}


def _pairs(labels: int) -> Iterator[tuple[int, int]]:
    return ((a, b) for b in range(labels) for a in range(b))


def _burstiness(config: PublishedConfig, findings: Findings) -> int:
    """How often the query's class is in the context; the distractor is there as often."""
    count = len(config.mixing_coeffs)
    if count != 1 or len(config.pt_burstiness) != 1:
        option = "mixing_coeffs" if count != 1 else "pt_burstiness"
        findings.refuse(option, "training draws from one kind of sequence here; give one number")
        return 1
    if config.mixing_coeffs[0] <= 0:
        findings.refuse("mixing_coeffs", "the share of the one kind of sequence must be above 0")
    (burstiness,) = config.pt_burstiness
    if config.pt_distract not in (None, [1]):
        findings.refuse("pt_distract", "a distractor is always in the context here; give 1")
    if config.train_context_len != IN_CONTEXT * burstiness:
        findings.refuse(
            "train_context_len",
            f"must be twice pt_burstiness ({burstiness}), so that the query's class and the "
            "distractor fill the context; other classes do not occur in it here",
        )
    for option in ("pt_no_support", "pt_unique_rest"):
        if option in config.given:
            findings.ignore(option, "query class and distractor fill the context: there is no rest")
    return burstiness


def _check_manipulations(config: PublishedConfig, findings: Findings) -> None:
    if config.assign_query_label_random:
        reason = "has no effect: relabelling comes after it and replaces all labels"
        findings.ignore("assign_query_label_random", reason)
    if not config.match_query_and_distractors:
        return
    if config.exemplar_split[0] == 1:
        reason = "with one training exemplar they match anyway; evaluators draw each by itself"
        findings.ignore("match_query_and_distractors", reason)
    else:
        findings.refuse(
            "match_query_and_distractors", "exemplars are drawn independently of each other here"
        )


def _check_evaluation(config: PublishedConfig, findings: Findings) -> None:
    """What our evaluators share with training and the published code's do not, or the reverse."""
    if config.zipf_alpha:
        findings.differ("Evaluators draw classes by the same Zipf exponent here, and evenly there.")
    noise = config.pe_noise_scale or [config.noise_scale_train]
    if any(scale > 0 for scale in noise):
        findings.differ("Evaluators have no input noise here.")


def read_evaluators(config: PublishedConfig, findings: Findings) -> None:
    """Says which of the four evaluators of every run stands for which of the config's."""
    if not config.pe_names:
        return
    found = {name: _counterpart(config, index) for index, name in enumerate(config.pe_names)}
    ours = [f"{name} is {counterpart}" for name, counterpart in found.items() if counterpart]
    others = [name for name, counterpart in found.items() if not counterpart]
    reason = f"every run has the same four evaluators: {enumerate_words(ours)}" if ours else ""
    if others:
        lacking = f"nothing here stands for {enumerate_words(others)}"
        reason = f"{reason}; {lacking}" if reason else f"{lacking}; every run has four others"
    findings.ignore("pe_names", reason)
    for option in _OF_EVALUATORS:
        if option in config.given:
            findings.ignore(option, "evaluators are the same in every run; see pe_names")


def _counterpart(config: PublishedConfig, index: int) -> str | None:
    def at(option: str, default: object) -> object:
        values = getattr(config, option)
        return values[index] if values and index < len(values) else default

    is_plain = all(at(option, plain) == plain for option, plain in PLAIN.items())
    if (
        not is_plain
        or at("pe_context_len", config.train_context_len) != config.train_context_len
        or at("pe_burstiness", None) != next(iter(config.pt_burstiness), None)
    ):
        return None
    scheme = at("pe_fs_relabel_scheme", "train")  # what that code changes a missing one to
    key = (str(at("pe_classes", None)), str(at("pe_exemplars", None)), str(scheme))
    return EVALUATORS.get(key)
