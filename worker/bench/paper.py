"""`python -m worker bench --paper`: a fraction of the paper's 32 main runs, the whole projected."""

from pathlib import Path
from typing import Any

from app.schemas.studies.expansion import expand
from app.schemas.studies.presets import main_runs
from app.schemas.studies.request import StudyRequest
from worker.bench.configs import shortened
from worker.bench.track import track
from worker.offline import say


def bench_paper(folder: Path, fraction: float) -> dict[str, Any]:
    """A fraction of each of the paper's 32 main runs, and the whole projected from it."""
    if not 0 < fraction <= 1:
        raise ValueError(f"--fraction {fraction:g}: write a number above 0, at most 1")
    whole = [run.config for run in expand(StudyRequest(name="paper", runs=main_runs())).runs]
    part = [shortened(config, fraction) for config in whole]
    with track(folder) as here:
        here.run([shortened(config, 0.001) for config in whole])  # compiles
        lap = here.run(part)
    total = sum(config.training.total_sequences for config in whole)
    projected = lap.projected(total / lap.sequences)
    say(f"{len(part)} runs, {lap.sequences:,} of {total:,} sequences: {lap.seconds:.0f} s")
    trained = sum(lap.training_seconds) / len(lap.training_seconds)
    say(f"of these, {trained:.0f} s of training; the rest starts trainers, whatever the length")
    say(f"all of them: {projected / 60:.1f} minutes projected")
    return {
        "paper": {
            "runs": len(part),
            "fraction": fraction,
            "sequences": lap.sequences,
            "seconds": round(lap.seconds, 1),
            "training_seconds_per_worker": [round(one, 1) for one in lap.training_seconds],
            "projected_seconds": round(projected),
        }
    }
