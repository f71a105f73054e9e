"""The far side of a measurement: what runs in each library's own environment. Imports neither foldwise nor pandas."""
