"""Speed, side by side in one process, errors beside the times: ``python -m benchmarks [mixture|gradient|train]``.

``harness`` measures, ``report`` prints and stores, ``latents`` makes the test problem, ``textbook`` is the plain way of
training a VampPrior that ours is compared with. ``mixture``, ``gradient`` and ``train`` are the benchmarks.
"""
