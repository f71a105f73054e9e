"""The libraries that people would use instead, each in a virtual environment of its own: their pins clash."""
