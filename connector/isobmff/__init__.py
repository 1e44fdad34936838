"""Packages H.264 and AAC as CMAF: init segments, media segments and one progressive file.

The code is pure: bytes in, bytes out. The same input gives the same bytes on every run and machine, because repeated
tasks overwrite each other's blobs. Boxes are those of ISO/IEC 14496-12 (and -14, -15). The constraints are those of
CMAF (ISO/IEC 23000-19), tightened by what Smooth Streaming players need (see `fragment`).

It is written by hand, because neither FFmpeg's muxer nor pymp4 or Bento4 gives all of this: equal bytes, fragments that
Smooth Streaming players accept, and a progressive file without a second pass.
"""
