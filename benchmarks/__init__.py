"""Speed, side by side in one process, errors beside the times: ``python -m benchmarks [NAME ...]``.

``harness`` measures, ``report`` prints and stores, ``latents`` makes the test problem, ``textbook`` is the plain way of
training a VampPrior that ours is compared with, ``flow_peers`` the same flow in other libraries. ``mixture``,
``gradient``, ``train``, ``statistics`` and ``flows`` are the benchmarks.
"""
