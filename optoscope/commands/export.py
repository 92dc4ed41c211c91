"""The command that writes numbers and weights into files."""

import argparse
import sys
from pathlib import Path

from optoscope.client import Client
from optoscope.commands.command import Command
from optoscope.commands.printer import Printer
from optoscope.runs import RunHandle

FORMATS = ("csv", "jsonl", "parquet", "arrow")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ids; of several, a line says whose")
    parser.add_argument("--series", action="append", default=[], help="such as 'loss.*'; else all")
    parser.add_argument("--format", choices=FORMATS, help="else by the end of FILE's name, or csv")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; else to stdout")
    parser.add_argument("--frames", action="store_true", help="the attention of all places as .npz")
    parser.add_argument(
        "--weights", type=int, metavar="AT", help="the checkpoint at AT instead, as safetensors"
    )


def _export(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    if given.weights is not None:
        return _weights(given, client, printer)
    if given.frames:
        return _frames(given, client, printer)
    pieces = client.export(given.runs, *given.series, format=given.format or _format(given.out))
    if given.out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return 0
    with given.out.open("wb") as file:
        size = sum(file.write(piece) for piece in pieces)
    printer.line(f"{given.out}: {size:,} bytes")
    return 0


def _frames(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    run = _only(given, client)
    printer.line(str(run.save_frames(given.out or Path(f"{run.id}-frames.npz"))))
    return 0


def _only(given: argparse.Namespace, client: Client) -> RunHandle:
    if len(given.runs) > 1:
        raise ValueError("Frames and weights are of one run; name one.")
    return client.run(given.runs[0])


def _weights(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    run = _only(given, client)
    to = given.out or Path(f"{run.id}-{given.weights}.safetensors")
    printer.line(str(run.download(given.weights, to)))
    return 0


def _format(out: Path | None) -> str:
    suffix = "" if out is None else out.suffix.removeprefix(".")
    return suffix if suffix in FORMATS else FORMATS[0]


def _add_archive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="ids")
    parser.add_argument("--study", metavar="ID", help="a study with its runs instead")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip", help="where to")


def _archive(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    if bool(given.runs) == bool(given.study):
        raise ValueError("Name runs, or a study by --study.")
    if given.study:
        file = client.study_by_id(given.study).archive(given.out)
    else:
        file = client.archive(given.runs, given.out)
    printer.line(f"{file}: {file.stat().st_size:,} bytes")
    return 0


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="its id")
    parser.add_argument("--paper", metavar="FIGURE", help="a figure of the paper instead: fig-5b")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="where to")


def _report(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    if bool(given.run) == bool(given.paper):
        raise ValueError("Name a run, or a figure of the paper by --paper.")
    about = client.paper_figure(given.paper) if given.paper else client.run(given.run)
    printer.line(str(about.report(given.out)))
    return 0


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.zip")


def _import(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    printer.document(client.import_archive(given.file))
    return 0


SAYS = "Every measurement, nothing thinned; losses in nats."
COMMANDS = (
    Command("export", _add, _export, SAYS),
    Command("report", _add_report, _report),
    Command("archive", _add_archive, _archive),
    Command("import-archive", _add_import, _import),
)
