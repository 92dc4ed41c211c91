"""`python -m worker.ship`: compiles what the wheel brings along, for machines without a compiler.

The two programs of the default run, for any processor of the last ten years, into
`worker/programs`. Takes half a minute, and needs a C++ compiler.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# As torch has it for processors that have AVX2 and nothing later. It asks when it is loaded.
PLAIN = {"ATEN_CPU_CAPABILITY": "avx2", "TORCHINDUCTOR_CPP_MARCH": "x86-64-v3"}


def main() -> None:
    """Compiles them; `sys.argv` may name another folder to put them into."""
    with TemporaryDirectory() as folder:
        os.environ.update(PLAIN, TORCHINDUCTOR_CACHE_DIR=folder)
        from worker.science.machine import shipped

        target = Path(sys.argv[1]) if len(sys.argv) > 1 else shipped.FOLDER
        for old in target.glob("*.program"):
            old.unlink()
        _ship(target)


def _ship(target: Path) -> None:
    from app.schemas.config import RunConfig
    from worker.science.data.datasets import load_dataset
    from worker.science.training.loop import Trainer

    config = RunConfig()
    trainer = Trainer([config], [load_dataset(config.task, config.seeds.dataset)])
    trainer.warm_up()
    trainer.programs.step.ship(target)
    trainer.programs.evaluate.ship(target)


if __name__ == "__main__":
    main()
