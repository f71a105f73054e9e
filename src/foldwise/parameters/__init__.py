"""What constructors and functions share: checks of what they are given, and constructors composed of their bases'."""
