"""The pathway of a carrier or contact: rule packs, states, clocks (requirements D, B7, B10)."""
