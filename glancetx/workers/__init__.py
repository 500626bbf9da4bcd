"""Several processes that serve together, and the one that supervises them."""
