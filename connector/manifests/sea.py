"""Describes MPEG-DASH segment encryption (ISO/IEC 23009-4): what a client must know to decrypt whole segments.

Smooth Streaming has no elements for it, so its manifest carries the same ones. Players skip foreign elements.
"""

from xml.etree.ElementTree import Element, SubElement

from connector.manifests.presentation import Protection

NAMESPACE = {"xmlns:sea": "urn:mpeg:dash:schema:sea:2012"}
"""Namespace that the root of a protected manifest declares."""
SCHEME = "urn:mpeg:dash:sea:2012"


def describe(parent: Element, protection: Protection, kind: str) -> None:
    """Adds the elements for all tracks of a kind, `video` or `audio`."""
    SubElement(parent, "sea:SegmentEncryption", {"schemeIdUri": "urn:mpeg:dash:sea:aes128-cbc:2013"})
    SubElement(
        parent,
        "sea:CryptoPeriod",
        {"IV": f"0x{protection.iv(kind).hex()}", "keyUriTemplate": protection.key_uri},
    )
