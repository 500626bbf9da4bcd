"""How fast glancetx is beside others: ``python -m benchmarks``, explained in docs/performance."""
