"""Cases in which the local host answers differently from Microsoft's, by setup and name, with the reason."""

DIFFERENCES: dict[str, str] = {
    "keys/response-own-transfer-encoding": "The function breaks the framing itself. What a client makes of the bytes "
    "behind the answer depends on how they arrive.",
}
