"""Look inside a network: traces of gates and states, attributions, the memory of units."""
