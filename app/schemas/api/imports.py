"""What the REST API takes and says when a config of the published code is imported."""

from typing import Any, Self

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.schemas.api.runs import DryRun, LaunchRequest, Name, Notes, RunRead, Tag
from app.schemas.published.importer import (
    Imported,
    Instead,
    InsteadDataset,
    InsteadGraft,
    import_published,
)
from app.schemas.published.program import IgnoredOption
from app.schemas.text import Body

LONGEST_NAME = 200


class ImportRequest(Body):
    """A config of the published code (github.com/aadityasingh/icl-dynamics), to be launched here.

    What can only be read by that code is named beside it: a dataset, checkpoints to graft.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "config": {
                        "data_file": "/data/omniglot_resnet18_randomized_order_s0.h5",
                        "class_split": [50, 1473, 100],
                        "exemplar_split": [1, 4, 0],
                        "fs_relabel": 5,
                        "fs_relabel_split": [8, 2, 0],
                        "mixing_coeffs": [1.0],
                        "pt_burstiness": [1],
                        "train_context_len": 2,
                        "train_iters": 600_000,
                        "eval_every": 1000,
                        "opto_induction_heads": ["1:3"],
                    },
                    "dataset": "glyphs",
                    "name": "Match fixed, as published",
                }
            ]
        },
    )

    config: dict[str, Any] = Field(description="Its option names; `config.json` as it is saved")
    dataset: InsteadDataset = Field(
        None, description="In place of `data_file`, as in `task.dataset`"
    )
    graft_in: InsteadGraft = Field(None, description="RUN@SEQUENCES in place of its checkpoint")
    graft_out: InsteadGraft = Field(None, description="RUN@SEQUENCES in place of its checkpoint")
    name: Name = Field("", description="Empty: what the config calls the run")
    tags: list[Tag] = Field(default=[], max_length=20)
    notes: Notes = Field("", description="Empty: what was ignored, and what differs")

    _imported: Imported = PrivateAttr()

    @model_validator(mode="after")
    def _import(self) -> Self:
        instead = Instead(dataset=self.dataset, graft_in=self.graft_in, graft_out=self.graft_out)
        try:
            self._imported = import_published(self.config, instead)
        except ValidationError as error:
            raise _below_config(error) from None
        return self

    @property
    def imported(self) -> Imported:
        """The run config, with what was ignored and what differs."""
        return self._imported

    @property
    def launch(self) -> LaunchRequest:
        """The same as a launch of the run config."""
        imported = self._imported
        return LaunchRequest(
            config=imported.config,
            name=self.name or imported.name[:LONGEST_NAME],
            tags=self.tags,
            notes=self.notes or imported.notes,
        )


def _below_config(error: ValidationError) -> ValidationError:
    """The same errors, at their options in the request."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("published", "{reason}", {"reason": one["msg"]}),
            loc=("config", *one["loc"]),
            input=one["input"],
        )
        for one in error.errors()
    ]
    return ValidationError.from_exception_data("ImportRequest", details)


class ImportDryRun(DryRun):
    """What an import would launch, and what it would leave out."""

    ignored: list[IgnoredOption]
    differs: list[str] = Field(description="What is not as in the published code, in sentences")


class ImportedRun(RunRead):
    """The run that was launched, and what of its config was left out."""

    ignored: list[IgnoredOption]
    differs: list[str] = Field(description="What is not as in the published code, in sentences")
