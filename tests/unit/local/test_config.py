import json

import pytest

from local.azurite import Ports, connection_string, listening_ports
from local.config import (
    ConfigurationError,
    HostOptions,
    QueueOptions,
    StackOptions,
    app_environment,
    base_url,
    seconds,
    site_origins,
)


def test_an_empty_host_json_means_the_hosts_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr("local.config.CORES", 2)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    options = HostOptions.read(tmp_path)
    assert options == HostOptions("api", 1800, QueueOptions(16, 16, 5, 0, 60), QueueOptions(9, 7, 5, 0, 60))


def test_the_threshold_of_a_new_batch_grows_with_the_processors(monkeypatch):
    monkeypatch.setattr("local.config.CORES", 4)
    assert QueueOptions.read({"batchSize": 3}).new_batch_threshold == 4
    assert QueueOptions.for_blobs({}) == QueueOptions(17, 15)
    assert QueueOptions.for_blobs({"maxDegreeOfParallelism": 1, "poisonBlobThreshold": 2}) == QueueOptions(1, 0, 2)
    assert QueueOptions.for_blobs({"maxDegreeOfParallelism": 100}) == QueueOptions(32, 68)


def test_host_json_is_read(tmp_path):
    queues = {
        "batchSize": 1,
        "newBatchThreshold": 0,
        "maxDequeueCount": 3,
        "visibilityTimeout": "00:00:30",
        "maxPollingInterval": "00:00:02",
    }
    document = {"functionTimeout": "00:10:00", "extensions": {"http": {"routePrefix": ""}, "queues": queues}}
    (tmp_path / "host.json").write_text(json.dumps(document))
    assert HostOptions.read(tmp_path) == HostOptions("", 600, QueueOptions(1, 0, 3, 30, 2))


def test_what_host_json_says_of_queues_does_not_concern_blobs(tmp_path):
    queues = {"batchSize": 1, "newBatchThreshold": 0, "maxDequeueCount": 2, "visibilityTimeout": "00:00:30"}
    (tmp_path / "host.json").write_text(json.dumps({"extensions": {"queues": queues}}))
    assert HostOptions.read(tmp_path).blobs == QueueOptions.for_blobs({})


def test_a_function_timeout_may_be_without_end(tmp_path):
    (tmp_path / "host.json").write_text('{"functionTimeout": "-1"}')
    assert HostOptions.read(tmp_path).function_timeout is None


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"functionTimeout": "soon"}'])
def test_an_unusable_host_json_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "host.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"host\.json"):
        HostOptions.read(tmp_path)


@pytest.mark.parametrize(
    ("span", "expected"), [("00:00:05", 5), ("01:02:03.5", 3723.5), ("1.00:00:00", 86400), ("00:10:00", 600)]
)
def test_time_spans(span, expected):
    assert seconds(span) == expected


def test_the_environment_wins_over_local_settings(tmp_path):
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "file", "B": 1}}')
    assert app_environment(tmp_path, {"A": "environment"}) == {"A": "environment", "B": "1"}


def test_ports_and_folders_come_from_the_environment(tmp_path):
    options = StackOptions.read(tmp_path, {"PORT": "1", "TABLE_PORT": "0", "ENCODERS": "3", "BIND": "192.0.2.1"})
    assert (options.port, options.storage, options.encoders) == (1, Ports(10000, 10001, 0), 3)
    assert options.data_dir == tmp_path / ".data"
    assert options.bind == "192.0.2.1"


def test_a_port_that_is_no_number_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="QUEUE_PORT"):
        StackOptions.read(tmp_path, {"QUEUE_PORT": "x"})


def test_azurites_own_words_tell_its_ports():
    lines = [
        "Azurite Blob service is starting at http://127.0.0.1:0",
        "Azurite Blob service is successfully listening at http://127.0.0.1:11",
        "Azurite Queue service is successfully listening at http://127.0.0.1:12",
    ]
    assert listening_ports(lines) is None
    ports = listening_ports([*lines, "Azurite Table service is successfully listening at http://127.0.0.1:13"])
    assert ports == Ports(11, 12, 13)
    assert "QueueEndpoint=http://127.0.0.1:12/devstoreaccount1;" in connection_string(ports)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", 80), "http://127.0.0.1:80"),
        (("0.0.0.0", 80), "http://127.0.0.1:80"),  # noqa: S104 - an address to be replaced
        (("::", 80, 0, 0), "http://[::1]:80"),
        (("192.0.2.1", 80), "http://192.0.2.1:80"),
    ],
)
def test_the_base_url_is_one_this_machine_can_call(address, expected):
    assert base_url(address) == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", "http://127.0.0.1:1,http://localhost:1"),
        (
            "https://a.example, https://b.example",
            "http://127.0.0.1:1,http://localhost:1,https://a.example,https://b.example",
        ),
        ("https://a.example,*", "*"),
    ],
)
def test_the_apps_own_address_may_always_call_it_and_a_star_stands_alone(setting, expected):
    assert site_origins("http://127.0.0.1:1", setting) == expected
