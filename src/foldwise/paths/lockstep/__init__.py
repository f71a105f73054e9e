"""Wide and sparse tables: all held-out sets walk the path together, one product X'R for all of them."""
