"""The compiled sweep: read anew, safe with threads, replaced where it cannot run."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import torch

from core.flows import compiled
from core.flows.inversion import fastest
from tests.core.inversions import inputs, layer_of, run, without_numba


def test_weights_are_read_anew_at_every_call() -> None:
    layer, (u, _) = layer_of(5, (16,)), inputs(5, 0)
    run(layer, "incremental", u, None)
    for change in (lambda p: p.data.mul_(1.5), lambda p: p.detach().numpy().__imul__(0.5)):  # past autograd's counter
        for parameter in layer.parameters():
            change(parameter)
        assert torch.allclose(run(layer, "incremental", u, None).z, run(layer, "naive", u, None).z, atol=1e-12)


def test_two_threads_at_once_get_the_numbers_of_one(monkeypatch) -> None:
    monkeypatch.setattr(compiled, "_READY", {})  # both may be first
    layers = [layer_of(30, (64, 64), strength=0.1 + 0.1 * k) for k in range(2)]
    u, _ = inputs(30, 0, 300)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: run(layers[k % 2], "incremental", u, None).z, range(40)))
    for k, layer in enumerate(layers):
        right = run(layer, "incremental", u, None).z
        assert all(torch.equal(z, right) for z in found[k::2])
        assert torch.allclose(right, run(layer, "naive", u, None).z, rtol=1e-9)


def test_rows_are_shared_among_as_many_threads_as_torch_has(monkeypatch) -> None:
    layer, (u, _) = layer_of(20, (32, 32)), inputs(20, 0, 1000)
    right = run(layer, "incremental", u, None).z
    asked: list[int] = []
    monkeypatch.setattr(compiled, "SHARED_FROM", 1)
    monkeypatch.setattr(compiled, "ThreadPoolExecutor", lambda n: asked.append(n) or ThreadPoolExecutor(n))
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert torch.equal(run(layer, "incremental", u, None).z, right)
    assert asked == [2], "one thread needs no helper, three need two"


def test_without_numba_the_same_numbers_and_one_warning(monkeypatch, caplog) -> None:
    layer, (u, _) = layer_of(6, (16,)), inputs(6, 0)
    right = run(layer, None, u, None).z
    without_numba(monkeypatch)
    with caplog.at_level(logging.WARNING, logger="core.flows.compiled"):
        for _ in range(3):
            assert torch.allclose(run(layer, None, u, None).z, right, atol=1e-12)
        run(layer.float(), None, u.float(), None)
    assert len(caplog.records) == 1 and "without compiled code" in caplog.text
    assert fastest(u) == "incremental" and fastest(torch.zeros(2, 784)) == "fixed_point"


def test_code_that_calculates_wrongly_is_not_used(monkeypatch, caplog) -> None:
    monkeypatch.setattr(compiled, "_READY", {})
    real = compiled.invert
    monkeypatch.setattr(compiled, "invert", lambda *given: (real(*given)[0] + 1, *real(*given)[1:]))
    assert compiled.kernels(torch.float32) is None and "wrong numbers" in caplog.text


def test_the_kernel_is_the_default_on_the_cpu() -> None:
    assert compiled.kernels(torch.float32) is not None
    assert {fastest(torch.zeros(3, dim)) for dim in (3, 8, 784)} == {"incremental"}
    assert {fastest(torch.zeros(3, dim)) for dim in (1, 2)} == {"naive"}, "two passes, and nothing to compile"
