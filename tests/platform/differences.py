"""Cases in which the local host answers differently from Microsoft's, by setup and name, with the reason."""

DIFFERENCES: dict[str, str] = {}
