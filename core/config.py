"""What a run is made of, as frozen and validated values of JSON scalars. Unknown names are refused by name.

``RunConfig`` is what ``config.json`` of a checkpoint holds; ``core.build`` turns its ``model`` part into a VAE.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import first_problem

SCHEMA_VERSION = 1

LATENTS = "latents:"
"""What the name of the data of a checkpoint begins with that holds imported latents and no model."""

Scalar = str | int | float | bool
Width = Annotated[int, Field(ge=1, le=16_384)]


class Frozen(BaseModel):
    """Base of every configuration: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


FrozenT = TypeVar("FrozenT", bound=Frozen)


def validated(options: type[FrozenT], values: dict[str, Any], what: str) -> FrozenT:
    """The settings of one part of a model, such as its prior.

    Args:
        options: class of the settings.
        values: by name.
        what: name of the part in the message.

    Raises:
        ValueError: naming the setting that is unknown or out of range.
    """
    try:
        return options.model_validate(values)
    except ValidationError as error:
        known = ", ".join(options.model_fields) or "none"
        raise ValueError(f"{what} option {first_problem(error)} (options: {known})") from error


class DataConfig(Frozen):
    """Which images, as ``core.datasets.load`` gave them.

    Attributes:
        name: key of ``DATASETS`` or ``npz:PATH``; ``latents:TITLE`` where there are imported latents only.
        seed: seed of the stored binarisation.
        binarisation: "dynamic", "fixed" or "none".
        train, validation, test: number of images; of imported latents those that the prior was fitted to, 0, the rest.
        class_names: one for each label, empty where there are no labels.
        source: where the images come from, as the data set says it (own images: with their hash); "" where unknown.
    """

    name: str = Field(max_length=1024)
    seed: int = 777
    binarisation: Literal["dynamic", "fixed", "none"]
    train: int = Field(ge=0)
    validation: int = Field(ge=0)
    test: int = Field(ge=1)
    class_names: tuple[str, ...] = ()
    source: str = Field("", max_length=4096)

    @model_validator(mode="after")
    def _has_images(self) -> DataConfig:
        if not self.name.startswith(LATENTS) and not (self.train and self.validation):
            raise ValueError(f"train and validation are {self.train} and {self.validation}, expected 1 or more images")
        return self


class PriorConfig(Frozen):
    """A key of ``PRIORS`` and its settings, which the prior itself validates.

    Attributes:
        kind: the key.
        options: the settings.
        standardised: whether it is a prior of standardised codes (``core.priors.standardised``), as one can be that was
            fitted to imported latents.
    """

    kind: str = Field(max_length=64)
    options: dict[str, Scalar] = Field(default_factory=dict)
    standardised: bool = False


class PosteriorConfig(Frozen):
    """A key of ``POSTERIORS`` and its settings, which the posterior itself validates."""

    kind: str = Field("gaussian", max_length=64)
    options: dict[str, Scalar] = Field(default_factory=dict)


class ModelConfig(Frozen):
    """Everything that decides the shape of the networks.

    Attributes:
        image_shape: (channels, height, width).
        likelihood: "bernoulli" for binary pixels, "logistic" for 256 grey levels, "none" for latents without networks.
        latent_dim: d.
        hidden: widths of the gated layers, in the encoder and in the decoder.
        prior: which prior.
        posterior: which posterior; models stored before there was a choice have the Gaussian one.
    """

    image_shape: tuple[Width, Width, Width]
    likelihood: Literal["bernoulli", "logistic", "none"]
    latent_dim: int = Field(ge=1, le=4096)
    hidden: tuple[Width, ...] = Field((300, 300), min_length=1, max_length=16)
    prior: PriorConfig
    posterior: PosteriorConfig = Field(default_factory=lambda: PosteriorConfig.model_validate({}))

    @property
    def decodes(self) -> bool:
        """Whether there are networks; imported latents have none."""
        return self.likelihood != "none"

    @property
    def pixels(self) -> int:
        """Length of a flat image."""
        channels, height, width = self.image_shape
        return channels * height * width


class TrainConfig(Frozen):
    """How the model is trained.

    Attributes:
        epochs: at most this many.
        batch_size: images a step.
        learning_rate: of Adam, at the start.
        final_rate: the learning rate falls along a half cosine to this share of it; 1 keeps it constant.
        warmup_epochs: the weight beta of the KL grows linearly to 1 over these, by the same step each.
        patience: stop after so many epochs without a better validation ELBO (at beta = 1), counted after the warm-up.
        clip_norm: upper limit of the gradient's norm.
        seed: of the initialisation, the order of the images, their binarisation and the noise.
        device: "cpu", "cuda" or "cuda:N".
        bf16: matrix products of the networks in bfloat16.
        compile: run the step through torch.compile.
        snapshots: at most so many small records of codes and prior along the way (``core.snapshots``); 0 for none.
    """

    epochs: int = Field(200, ge=1, le=100_000)
    batch_size: int = Field(100, ge=1, le=100_000)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    final_rate: float = Field(0.02, gt=0, le=1)
    warmup_epochs: int = Field(10, ge=0, le=100_000)
    patience: int = Field(50, ge=1, le=100_000)
    clip_norm: float = Field(10.0, gt=0)
    seed: int = Field(0, ge=0, le=2**31 - 1)
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    bf16: bool = False
    compile: bool = False
    snapshots: int = Field(0, ge=0, le=20)


class RunConfig(Frozen):
    """A whole run: what ``config.json`` holds.

    Attributes:
        schema_version: of this file's layout.
        data, model, train: the three parts above.
        versions: of the libraries that trained it.
        commit: of this project, "" where unknown.
        command: the command line that trained it.
        files: SHA-256 of the binary files beside config.json, by name; a file named here must match.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    data: DataConfig
    model: ModelConfig
    train: TrainConfig = Field(default_factory=lambda: TrainConfig.model_validate({}))
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str = ""
    command: str = ""
    files: dict[str, str] = Field(default_factory=dict)
