"""`python -m worker`: training, measuring and benchmarks without the web server. See `--help`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

OFFLINE = "python -m worker"  # what this is called in a checkout
PARTS = ("attn", "logits", "loss")  # what `evaluate` writes
_INPUTS = """
weights   a run's .safetensors checkpoint, or an .npz with arrays PREFIX/example_embed.weight
          [width, dim], .../example_embed.bias, label_embed.weight [width, labels],
          blocks.0.norm.weight, blocks.0.norm.bias, blocks.0.attn.qkv.weight [3 width, width],
          blocks.0.attn.out.weight, ... blocks.1 ...,
          final_norm.weight, final_norm.bias, unembed.weight [labels, width], unembed.bias.
          Layers, width, labels, biases and an MLP are read from them.
features  an .npy [class, dim] or [class, exemplar, dim], or an .npz (or .h5) with `features`
options   a JSON object: names of your own, each with an object of the published code's options
            {"only head 3": {"ablate_heads": ["1:0", "1:1"], "preserve_patterns": true}}
          or with a list of clamps
            {"half": [{"kind": "scale", "site": "L1H3.z", "by": 0.5}],
             "graft": [{"kind": "graft_in", "site": "L0.resid", "checkpoint": "file:W.npz#init"}]}
"""

_OPTIONS = """
published options (layer:head from 0): ablate_heads, ablate_embedding, preserve_patterns,
  preserve_values, preserve_queries, preserve_keys, set_head_temperature (layer:head:temperature),
  perfect_copy_from_head_pattern, prev_token_heads, prev_token_head_strength,
  prev_token_only_label, induction_heads, induction_head_strength, match_heads,
  match_head_temperature, disallow_prev_token_heads, disallow_prev_token_only_label,
  final_layer_silence_non_label_attn (heads), specific_fn (perfect_prev_token_input),
  graft_in_model_ckpt (file:W.npz#PREFIX) with graft_in_model_till_layer,
  graft_out_model_ckpt with graft_out_model_from_layer (graft_in_model_cfg and
  graft_out_model_cfg are not read)
They compute what the published code computes; a note says where that is no change. A clamp of a
list that would change nothing is refused.
"""

_EVALUATE = f"""Patterns, logits and losses of a model on given sequences, under each program.
{_INPUTS}
sequences an .npz with class_idx [n, P + 1] (into features), labels [n, P + 1], the query's last,
          and, if wished, exemplar_idx [n, P + 1]; any number P of context pairs
out       NAME/attn [n, layer, head, query, key] (after softmax), NAME/logits [n, labels] at the
          query, NAME/loss [n]: those of them that --write names
{_OPTIONS}"""

_REPLAY = f"""Trains a model with Adam on exactly the given batches, under each program.
{_INPUTS}
batches   an .npz with class_idx [updates, batch, P + 1] (into features), labels of the same shape,
          the query's last, and, if wished, exemplar_idx
out       NAME/loss [updates], each batch's before its update, and NAME/final/PARAMETER
Windows of clamps (from_sequences, until_sequences) count the sequences of the batches from 0.
{_OPTIONS}"""

_EXHAUSTIVE = f"""All sequences of a task through a model, under each program: the exact loss and
accuracy, not an estimate, and the measures of every head.
weights   as for `evaluate`, or a .safetensors checkpoint of a run
features  an .npy [class, dim] or [class, exemplar, dim], or an .npz (or .h5) with `features`. The
          training classes are the first, and so are the training exemplars of each
config    a run config as JSON: classes, exemplars, labels, held-out label pairs, heads, positions
          are read from it. What it leaves open of the model the weights tell. Its own clamps are
          part of the model: every program is looked at beside them. {{}} is the paper's
programs  a JSON object of programs by name, each of published options or of clamps, as below
out       {{NAME: {{"sequences", "loss" (nats), "accuracy", "mistakes", "in_context_accuracy",
          "induction_strength" [layer][head], "previous_token_attention" [layer][head][token - 1],
          of tokens 1, 2 ... to the one before}}}}
The set: every ordered choice of classes x every order of every label combination of training x
which of them is asked for (x exemplars, where there are several): 78,400 in the paper's task.
Above 2,000,000 a sample of 200,000 is drawn instead, as training draws; then "sampled_from" says
of how many, and "standard_error" of each number. A program that averages or resamples does so over
the whole set, in its order.
{_OPTIONS}"""

_TOY = """The toy model of the paper's section 4.1: gradient descent on three vectors a, b and c,
whose outer product has to equal that of a*, b* and c*. With --seed S the vectors are those that the
published code draws from PRNGKey(S).
out       {"preset", "settings", "lengths", "curves": {NAME: {"loss", "pm1", "pm2"}}}, NAME the
          vectors that are clamped to the true ones (none, c, b,c), each series before every update
          and after the last. pm1 is 1 - cos^2 of a and a*; pm2 the loss with the true b and c, of a
          or -a, whichever is less."""

_TRAIN = """Trains one run and writes config.json, measurements.csv, frames.npz and checkpoints/ to
a folder. With --initial-weights, a config that leaves model.attn_bias open takes it from them.
Grafts of its program read file:PATH.npz#PREFIX."""


def main(arguments: Sequence[str] | None = None, prog: str = OFFLINE) -> int:
    """Runs a subcommand; what is wrong with its input is one sentence and exit status 1.

    `prog`: what it was started as, for its help.
    """
    given = parser(prog).parse_args(arguments)
    try:
        _command(given.command)(given)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{_sentence(error)}\n")
        return 1
    return 0


def _command(name: str) -> Callable[[argparse.Namespace], None]:
    """Each loads only what it needs."""
    if name == "train":
        from worker.offline.training import train

        return train
    if name == "evaluate":
        from worker.offline.evaluate import evaluate

        return evaluate
    if name == "exhaustive":
        from worker.offline.exhaustive import exhaustive

        return exhaustive
    if name == "toy":
        from worker.offline.toy import toy

        return toy
    if name == "replay":
        from worker.offline.replay import replay

        return replay
    if name == "gpucheck":
        from worker.bench.gpucheck.command import gpucheck

        return gpucheck
    from worker.bench.command import bench

    return bench


def _sentence(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if not isinstance(error, ValueError):
        return str(error)
    from worker.training.faults import fault_of  # which knows the errors of stores, too

    return fault_of(error)[1]


def parser(prog: str = OFFLINE) -> argparse.ArgumentParser:
    """Of all subcommands; `prog` is what the command is called."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(_described(commands, "train", "train one run without any service", _TRAIN))
    _add_evaluate(_described(commands, "evaluate", "clamp a model on given sequences", _EVALUATE))
    _add_exhaustive(
        _described(commands, "exhaustive", "measure a model on all sequences", _EXHAUSTIVE)
    )
    _add_replay(_described(commands, "replay", "train on exactly the given batches", _REPLAY))
    _add_toy(_described(commands, "toy", "train the three-vector toy model", _TOY))
    _add_gpucheck(commands.add_parser("gpucheck", help="check and time training on a GPU"))
    _add_bench(commands.add_parser("bench", help="measure how fast this machine trains"))
    return parser


def _described(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help: str, text: str
) -> argparse.ArgumentParser:
    as_written = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=help, description=text, formatter_class=as_written)


def _add_train(train: argparse.ArgumentParser) -> None:
    train.add_argument("config", type=Path, help="a run config as JSON; {} for the paper's")
    train.add_argument("--out", type=Path, required=True, help="folder for what it records")
    train.add_argument("--dataset", help="instead of the config's, for instance file:PATH.npz")
    train.add_argument("--initial-weights", type=Path, help="start from these, an .npz file")
    train.add_argument("--weights-prefix", default="", help="of their names in that file")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda or, say, cuda:1; auto")
    _add_speed(train)


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    _add_inputs(evaluate)
    evaluate.add_argument("--sequences", type=Path, required=True, help="an .npz file")
    evaluate.add_argument(
        "--write",
        type=_parts,
        default=PARTS,
        metavar="PARTS",
        help="some of attn,logits,loss; attention is most of what is written",
    )
    _add_at(evaluate)
    _add_threads(evaluate)


def _add_at(parser: argparse.ArgumentParser) -> None:
    moment = "sequences of training, for clamps with a window; 0"
    parser.add_argument("--at", type=_count, default=0, help=moment)


def _add_exhaustive(exhaustive: argparse.ArgumentParser) -> None:
    _add_weights(exhaustive)
    exhaustive.add_argument("--config", type=Path, required=True, help="a JSON file")
    exhaustive.add_argument("--programs", type=Path, required=True, help="a JSON file")
    exhaustive.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    _add_at(exhaustive)
    cores = "CPU threads; 0: one a core"
    exhaustive.add_argument("--threads", type=_count, default=0, help=cores)
    faster = "takes a minute first, and then a third of the time: for many programs"
    exhaustive.add_argument("--compile", action="store_true", help=faster)


def _add_toy(toy: argparse.ArgumentParser) -> None:
    clamp = "vectors kept at the true ones, such as b,c, or none; once for every training"
    toy.add_argument("--preset", choices=("fig5a", "fig9"), help="a figure of the paper")
    toy.add_argument("--clamp", action="append", metavar="VECTORS", help=clamp)
    toy.add_argument("--dimension", type=int, help="of each of the vectors; 20")
    toy.add_argument("--seed", type=int, help="of the true and the initial vectors; 1")
    toy.add_argument("--learning-rate", type=float, help="1")
    toy.add_argument("--initial-scale", type=float, help="factor of the initial vectors; 1")
    toy.add_argument("--updates", type=int, help="steps of gradient descent; 1000")
    toy.add_argument("--out", type=Path, required=True, help="the JSON file to write")


def _add_replay(replay: argparse.ArgumentParser) -> None:
    _add_inputs(replay)
    replay.add_argument("--batches", type=Path, required=True, help="an .npz file")
    replay.add_argument("--learning-rate", type=float, default=1e-5, help="of Adam; 1e-5")
    replay.add_argument("--beta1", type=float, default=0.9, help="of Adam; 0.9")
    replay.add_argument("--beta2", type=float, default=0.999, help="of Adam; 0.999")
    replay.add_argument("--epsilon", type=float, default=1e-8, help="of Adam; 1e-8")
    _add_speed(replay)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    """What `evaluate` and `replay` both take."""
    _add_weights(parser)
    parser.add_argument("--options", type=Path, required=True, help="a JSON file")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--heads", type=int, default=8, help="of every layer; 8")
    parser.add_argument(
        "--positions",
        choices=("rotary", "sinusoidal"),
        default="rotary",
        help="rotary, unless the weights have learned ones",
    )


def _add_weights(parser: argparse.ArgumentParser) -> None:
    """A model, and the features that it sees."""
    either = "an .npz or .safetensors file"
    parser.add_argument("--weights", type=Path, required=True, help=either)
    parser.add_argument("--weights-prefix", default="", help="of their names in that file")
    parser.add_argument("--features", type=Path, required=True, help="an .npy, .npz or .h5 file")


def _add_speed(parser: argparse.ArgumentParser) -> None:
    _add_threads(parser)
    parser.add_argument("--no-compile", action="store_true", help="start at once, train slower")


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=_count, default=0, help="CPU threads; 0: chosen")


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PARTS)}")
    return parts


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0")
    return int(text)


def _add_gpucheck(check: argparse.ArgumentParser) -> None:
    check.description = (
        "Trains on a GPU and on the processor and compares; then times cohorts, and a fraction of "
        "the paper's main runs. Needs torch, numpy and pydantic alone. Exit status 1 if it differs."
    )
    check.add_argument("--device", default="auto", help="auto, cpu, cuda or, say, cuda:1; auto")
    check.add_argument("--minutes", type=float, default=6.0, help="that it may take; 6")
    sizes = "sizes; 1,8,32,128,512"
    check.add_argument("--cohorts", type=_sizes, default=[1, 8, 32, 128, 512], help=sizes)
    check.add_argument("--fraction", type=float, default=0.05, help="of the paper's runs; 0.05")
    check.add_argument("--no-compile", action="store_true", help="start at once, train slower")
    check.add_argument("--out", type=Path, help="where to write the figures as JSON")


def _sizes(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= 4096 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: write sizes from 1 to 4096, such as 1,8,32")
    return [int(part) for part in parts]


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.description = (
        "Trains the paper's main run as a user's runs are trained, in turns with the same loop in "
        "plain JAX (pip install 'optoscope[bench]'), and says how many times as fast it is."
    )
    bench.add_argument("--cohorts", default="", help="sizes; 1,32, or 1,8,32,128 with --long")
    bench.add_argument("--minutes", type=float, default=3.0, help="that rounds may take; 3")
    bench.add_argument("--long", action="store_true", help="longer laps of more sizes")
    bench.add_argument("--sequences", type=_count, default=0, help="per run; 0: chosen by size")
    bench.add_argument("--rounds", type=int, default=0, help="of every size; 0: chosen")
    bench.add_argument("--paper", action="store_true", help="the paper's 32 main runs instead")
    bench.add_argument("--fraction", type=float, default=0.05, help="of each of those; 0.05")
    bench.add_argument("--clamps", action="store_true", help="training under clamps, against none")
    bench.add_argument("--analyses", action="store_true", help="looking at trained models")
    bench.add_argument("--out", type=Path, help="where to write the figures as JSON")


if __name__ == "__main__":
    sys.exit(main())
