from types import SimpleNamespace

import pytest

from connector.blob_trigger import BlobName, BlobNameConverter


def _decoded(content, kind="model_binding_data"):
    data = SimpleNamespace(type=kind, value=SimpleNamespace(content=content))
    return BlobNameConverter.decode(data, trigger_metadata={}, pytype=BlobName)


def test_container_and_name_are_read():
    blob = _decoded('{"ContainerName": "uploads", "BlobName": "a/b.mp4", "Connection": "MEDIA_STORAGE"}')
    assert (blob.container, blob.name) == ("uploads", "a/b.mp4")


@pytest.mark.parametrize("content", ["", "{}", "[]", "1", "null", '"ContainerName"', '{"ContainerName": "uploads"}'])
def test_json_that_names_no_blob_is_refused(content):
    with pytest.raises(ValueError):
        _decoded(content)


def test_another_kind_of_binding_is_refused():
    with pytest.raises(ValueError, match="bytes"):
        _decoded("{}", "bytes")
