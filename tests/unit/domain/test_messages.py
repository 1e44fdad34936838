"""What goes through the queues: the host reads the messages too."""

import json
from uuid import UUID

import pytest
from pydantic import ValidationError

from connector.domain.messages import HOST_NAMES, Message
from connector.domain.step import Step


def _models(model):
    yield model
    for kind in model.__subclasses__():
        yield from _models(kind)


def test_the_host_s_own_names_are_known():
    names = ("Id", "DequeueCount", "ExpirationTime", "InsertionTime", "NextVisibleTime", "PopReceipt", "QueueTrigger")
    assert {name.lower() for name in (*names, "sys")} == HOST_NAMES


@pytest.mark.parametrize("model", list(_models(Message)), ids=lambda model: model.__name__)
def test_no_field_of_a_message_replaces_what_the_host_tells_of_it(model):
    for name, field in model.model_fields.items():
        spellings = {name, field.alias, field.serialization_alias, field.validation_alias} - {None}
        assert not {str(spelling).lower() for spelling in spellings} & HOST_NAMES


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("trace", ["", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
def test_nor_does_any_property_that_is_sent(step, trace):
    message = Message(step=step, video_id=UUID(int=1), index=3, trace=trace)
    sent = json.loads(message.model_dump_json())
    assert sent.keys() >= {"version", "step", "video_id", "index"}
    assert not {name.lower() for name in sent} & HOST_NAMES


@pytest.mark.parametrize("index", [-1, 10**6, 10**4000], ids=["below 0", "seven digits", "many digits"])
def test_an_index_has_as_many_digits_as_the_name_of_a_task(index):
    assert str(Message(step=Step.CHUNK, video_id=UUID(int=1), index=10**6 - 1).task) == "chunk-999999"
    with pytest.raises(ValidationError):
        Message(step=Step.CHUNK, video_id=UUID(int=1), index=index)
