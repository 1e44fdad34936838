"""Our CMAF packager: H.264 and AAC into init segments, media segments and one progressive file.

Pure: bytes in, bytes out. The same input gives the same bytes on every run and machine, because repeated
tasks overwrite each other's blobs. Boxes are those of ISO/IEC 14496-12 (and -14, -15), constraints those of
CMAF (ISO/IEC 23000-19), tightened by what Smooth Streaming players need (see `fragment`).
"""
