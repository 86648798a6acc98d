"""The real core and the real commit protocol on a simulated cluster, thousands of schedules a minute.

What runs is the product: intake, detect and record workers, positions, guard, sender, keeper, snapshots, ``pipeline.step``. What is
simulated is the cluster around it (``broker``), the way to it (``network``), the store (``sink``), time and processes (``loop``).
"""
