"""The page Your data: uploads are kept, shown and deleted, bad ones refused by name, latents imported as a job."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from core import jobs, uploads
from core.checkpoint_list import list_checkpoints
from core.cli import main
from tests.core.test_uploads import codes, images, npz
from tests.pages.test_train import Open, words

TAB = "Latents without a model"


def test_an_upload_is_shown_and_offered_for_training(open_own: Open, own_place: Path) -> None:
    app = open_own("your_data")
    assert not app.exception and "Nothing has been uploaded yet" in words(app)
    app.file_uploader(key="own-file-images").upload("my pictures.npz", npz(images=images(), labels=np.arange(60) % 3))
    app.run()
    assert not app.exception and not app.error
    (kept,) = uploads.uploads()
    assert app.selectbox(key="own_images").value == "my-pictures" == kept.title
    assert "48 train, 6 validation, 6 test" in words(app) and len(app.dataframe[0].value) == 3
    form = open_own(t_dataset="my-pictures")
    assert not form.exception and f"--dataset {kept.dataset} --name my-pictures-2d-vamp" in form.code[0].value
    app.button(key=f"own-delete-{kept.id}").click().run()
    assert not app.exception and not uploads.uploads() and "Nothing has been uploaded yet" in words(app)


@pytest.mark.parametrize("name", ["digits.npz", "MNIST.npz"])
def test_own_images_are_never_taken_for_a_data_set_of_the_same_name(open_own: Open, own_place: Path, name: str) -> None:
    kept = uploads.keep(name, npz(images=images()))
    called = f"{kept.title} ({kept.id[:6]})"
    form = open_own()
    assert not form.exception and called in form.selectbox(key="t_dataset").options
    assert "--dataset digits " in form.code[0].value
    form.selectbox(key="t_dataset").set_value(called).run()
    assert not form.exception and f"{kept.dataset} --name {kept.title}-{kept.id[:6]}-2d-vamp" in form.code[0].value


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (npz(images=np.array([{}] * 40, object)), "Python objects"),
        (npz(images=images(3)), "at least 30"),
        (b"not a zip", "not an .npz file"),
        (b"", "not an .npz file"),
    ],
)
def test_a_bad_upload_is_refused_and_leaves_the_rest_alone(open_own: Open, content: bytes, says: str) -> None:
    uploads.keep("good.npz", npz(images=images()))
    app = open_own("your_data")
    app.file_uploader(key="own-file-images").upload("bad.npz", content).run()
    assert not app.exception and says in app.error[0].value and "bad.npz" in app.error[0].value
    assert [upload.title for upload in uploads.uploads()] == ["good"] and "48 train" in words(app)


def test_latents_are_imported_with_the_prior_that_is_chosen(
    open_own: Open,
    own_place: Path,
    submitted_jobs: list,
) -> None:
    app = open_own("your_data", own_tab=TAB)
    app.file_uploader(key="own-file-latents").upload("codes.npz", npz(**codes(60))).run()
    assert not app.exception and app.selectbox(key="own_latents").value == "codes"
    app.selectbox(key="l_prior").select("mog").run()
    app.number_input(key="l_mog_components").set_value(3).run()
    assert not app.exception and "the other half" in words(app)
    app.button(key="l-start").click().run()
    (started,) = submitted_jobs
    file = str(uploads.uploads("latents")[0].path)
    assert started == [
        "import-latents", file, "--name", "codes-mog", "--prior", "mog", "--prior-option", "components=3",
        "--root", str(own_place / "checkpoints"),
    ]  # fmt: skip
    assert main(started) == 0
    (info,) = list_checkpoints()
    assert (info.name, info.error, info.decodes) == ("codes-mog", None, False)
    assert open_own("your_data", own_tab=TAB, l_name="codes-mog").warning[0].value.endswith("choose another name")


def test_a_failed_import_says_why(open_own: Open, own_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("import-latents", "gone.npz", "--name", "mine", "--prior", "standard", "--root",
                 str(own_place / "checkpoints"))  # fmt: skip
    failed = jobs.JobStatus("0" * 16, arguments, "failed", error="gone.npz does not exist")
    monkeypatch.setattr("core.jobs.known", lambda command: [failed] if command == "import-latents" else [])
    app = open_own("your_data", own_tab=TAB)
    assert not app.exception and "mine: failed: gone.npz does not exist" in app.error[0].value


def test_an_upload_that_was_deleted_by_hand_is_said(open_own: Open) -> None:
    kept = uploads.keep("good.npz", npz(images=images()))
    kept.path.write_bytes(b"")
    app = open_own("your_data")
    assert not app.exception and "not an .npz file" in app.error[0].value


def test_the_forms_that_the_page_shows_are_read() -> None:
    from pages._ui import own_images, own_latents

    arrays = {"images": images(), "labels": np.arange(60) % 2}
    assert "images=images, labels=labels" in own_images.FORMAT and "log_var=log_var" in own_latents.FORM
    file = io.BytesIO(npz(**arrays))
    assert file.getvalue()[:2] == b"PK"
