"""The commands that talk to a server: `optoscope runs`, `launch`, `follow`, `export` ...

`main` is what the console script calls for each of `NAMES`. Both load nothing by themselves: the
script also starts servers, which lack what clients need.
"""

import argparse
from collections.abc import Sequence

NAMES = {
    "runs": "list runs",
    "show": "one run: state, phase change, clamps",
    "launch": "queue a run",
    "follow": "watch a run to its end; exit status 0 if it finished",
    "logs": "the last lines of a run's log",
    "fork": "a new run from a checkpoint of one",
    "pause": "set runs aside; they go on as if nothing had been",
    "resume": "have paused runs go on",
    "cancel": "end runs; what they measured stays",
    "delete": "delete runs that have ended; they can be restored",
    "undelete": "take deletions back",
    "export": "measurements as a table, attention, or weights",
    "report": "a run, or a figure of the paper, as a page that opens without a server",
    "archive": "everything of a study or of runs as one file",
    "tensorboard": "measurements as event files of TensorBoard",
    "wandb": "runs to Weights & Biases",
    "mlflow": "runs to MLflow",
    "import-archive": "take in such a file, from here or elsewhere",
    "study": "launch, list, show and end studies",
    "analyses": "ask about saved weights, read answers",
    "completion": "complete all commands in a shell",
}


def main(arguments: list[str] | None = None, beside: Sequence[argparse.ArgumentParser] = ()) -> int:
    """Does what the command line says; the exit status. `beside`: parsers of the command's other
    parts, which shells are to complete as well."""
    from optoscope.commands.parser import run

    return run(arguments, beside)
