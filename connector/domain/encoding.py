"""How a rendition is encoded: what x264 is told beside picture size and frame rate. Pure.

The figures behind each choice are in bench/RESULTS.md ("Quality for bytes"), measured by `python -m bench.quality`.
"""

from connector.domain.plan import Rendition

BUFFER_SECONDS = 2

NO_MORE_B_FRAMES = frozenset({"ultrafast", "veryslow", "placebo"})
"""These presets have none at all, or more by themselves."""
LARGE_LINES = 1080
"""Of larger pictures fewer wait: they are what memory is full of, and a task must fit into a small instance."""


def x264_options(rendition: Rendition, gop: int, preset: str) -> dict[str, str]:
    """FFmpeg's options of libx264 for segments of `gop` frames."""
    params = {"open-gop": "0", "stitchable": "1"} | tuned(preset, min(rendition.width, rendition.height))
    return {
        "preset": preset,
        "profile": "high",
        "crf": str(rendition.crf),
        "maxrate": str(rendition.maxrate),
        "bufsize": str(rendition.maxrate * BUFFER_SECONDS),
        # Every segment begins with an IDR frame, and none begins anywhere else.
        "keyint_min": str(gop),
        "sc_threshold": "0",
        "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
    }


def tuned(preset: str, lines: int) -> dict[str, str]:
    """What pays in addition to the preset, as x264 names it, for pictures whose shorter side has so many lines."""
    # Flat and dark areas keep more than their share of bits, but not as much more as by default (1).
    params = {"aq-strength": "0.7"}
    if preset not in NO_MORE_B_FRAMES:
        params["bframes"] = "5"
    if preset == "veryfast":
        # What the next slower presets do as well, at a small part of their price.
        params["trellis"] = "1"
        if lines <= LARGE_LINES:
            # For pictures full of noise: without it they spend their buffer at the beginning of each segment and starve
            # at its end.
            params["rc-lookahead"] = "20"
    return params
