"""Faults of the network and of a service that is down, which no running part gives on demand."""

import io
import logging

import httpx
import pytest

from client.errors import Unreachable
from client.transport import CALL_RETRIES, RetryPolicy, send_with_retries

URL = "https://storage.example/uploads/a?sv=1&sig=SECRET"


class Service:
    """Answers, or fails, as it is told; one item a try."""

    def __init__(self, *answers: httpx.Response | type[httpx.TransportError]) -> None:
        self.answers = list(answers)
        self.pauses: list[float] = []
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("broken", request=request)

    def ask(self, *, repeatable: bool = True, retries: RetryPolicy = CALL_RETRIES) -> httpx.Response:
        return send_with_retries(
            lambda: self.http.put(URL, content=b"x"),
            repeatable=repeatable,
            retries=retries,
            pause=self.pauses.append,
        )


@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_request_is_sent_again_until_it_is_answered(fault):
    service = Service(fault, fault, httpx.Response(201))
    assert service.ask().status_code == 201
    assert service.pauses == [0.5, 1.0]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_answer_that_says_later_is_waited_for_as_long_as_it_asks(status):
    service = Service(httpx.Response(status, headers={"Retry-After": "7"}), httpx.Response(200))
    assert service.ask().status_code == 200
    assert service.pauses == [7.0]


@pytest.mark.parametrize("status", [200, 304, 400, 401, 404, 409, 412])
def test_other_answers_are_final(status):
    service = Service(httpx.Response(status))
    assert service.ask().status_code == status
    assert service.pauses == []


def test_who_gives_up_names_the_host_and_no_signature():
    service = Service(*[httpx.ReadTimeout] * 3)
    with pytest.raises(Unreachable) as failed:
        service.ask(retries=RetryPolicy(tries=3))
    assert str(failed.value) == "https://storage.example cannot be reached: it did not answer in time."
    assert len(service.pauses) == 2
    assert service.answers == []


def test_the_last_answer_is_given_even_if_it_says_later():
    assert Service(*[httpx.Response(503)] * 4).ask().status_code == 503


@pytest.mark.parametrize(
    ("answer", "again"),
    [(httpx.ConnectError, True), (httpx.Response(503), True), (httpx.ReadTimeout, False), (httpx.Response(500), False)],
    ids=["not-connected", "refused", "no-answer", "failed"],
)
def test_what_must_not_happen_twice_is_repeated_only_if_it_was_not_done(answer, again):
    service = Service(answer, httpx.Response(201))
    try:
        service.ask(repeatable=False)
    except Unreachable:
        assert not again
    assert bool(service.pauses) == again


def test_waits_grow_up_to_a_bound():
    policy = RetryPolicy(tries=9, longest=4)
    assert [policy.delay(tried) for tried in range(1, 7)] == [0.5, 1, 2, 4, 4, 4]


def test_signatures_do_not_reach_the_log():
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    log = logging.getLogger("httpx")
    log.addHandler(handler)
    before = log.level
    log.setLevel(logging.INFO)
    try:
        Service(httpx.Response(201)).ask()
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
    assert "https://storage.example/uploads/a" in text.getvalue()
    assert "SECRET" not in text.getvalue()
