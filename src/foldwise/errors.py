"""What foldwise says when something is wrong: one error for the user's input, one warning per kind of doubt."""


class InputError(ValueError):
    """The input can't be used. The message names the argument or column, the value, and what would be accepted."""


class DataWarning(UserWarning):
    """The data can be used but look odd: a column equal to the target, an identifier, collinear columns."""


class SeparationWarning(DataWarning):
    """Some features tell two classes apart without error, so that no finite coefficients fit best without a penalty."""


class AccuracyWarning(UserWarning):
    """The answer has fewer correct digits than was asked for; the message says how many, and the remedy."""


class PathCutShort(UserWarning):
    """A path ended before its last strength, by its time limit or Ctrl-C; the message says how far it came."""
