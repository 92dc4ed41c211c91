"""Configs of the published code, as its run scripts write them."""

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
