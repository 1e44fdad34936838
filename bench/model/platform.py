"""What the platform can do: every assumption of the model, with its source."""

from dataclasses import dataclass
from typing import NamedTuple

from connector.domain.usage import LEAST_SECONDS

LEARN = "https://learn.microsoft.com/azure"
FLEX = f"{LEARN}/azure-functions/flex-consumption-plan"
SCALING = f"{LEARN}/azure-functions/event-driven-scaling"
ACCOUNT = f"{LEARN}/storage/common/scalability-targets-standard-account"
ASSUMED = "assumed: nothing is published"


class Fact(NamedTuple):
    value: float
    unit: str
    says: str
    source: str


APP_INSTANCES = Fact(1000, "", "most instances of one app", FLEX)
REGION_MEMORY = Fact(512_000, "MB", "of all instances of a subscription in a region, unless more is asked for", FLEX)
INSTANCE_MEMORY = Fact(2048, "MB", "of an instance with one core", FLEX)
BILLED_LEAST = Fact(LEAST_SECONDS, "s", "shortest execution that is billed, and then rounded up to 0.1 s", FLEX)

DOCUMENTED_STEP = Fact(
    4,
    "",
    "instances added at a time by target-based scaling",
    f"{LEARN}/azure-functions/functions-target-based-scaling",
)
DOCUMENTED_PERIOD = Fact(30, "s", "between two additions for triggers other than HTTP", SCALING)
DEMONSTRATED_STEP = Fact(
    17,
    "",
    "instances added per second: 1,000 in less than a minute, shown for HTTP; for queues assumed",
    "https://techcommunity.microsoft.com/t5/apps-on-azure-blog/how-to-achieve-high-http-scale-with-azure-functions-flex/ba-p/4169736",
)
LOOK = Fact(5, "s", "until the platform sees that a queue of an app with too few instances has messages", ASSUMED)
COLD_START = Fact(
    5,
    "s",
    "from the decision to an instance that takes messages; measured elsewhere as 1 to 10 s in the older plan",
    "https://mikhail.io/serverless/coldstarts/azure/",
)
CORE_SPEED = Fact(1, "", "speed of an instance's core ÷ that of the cores which were measured", ASSUMED)

LONGEST_POLL = Fact(0.5, "s", "between two looks of an idle instance into its queue", "host.json, maxPollingInterval")
SEND = Fact(0.005, "s", "to send one message; a step's messages are sent one after the other", ASSUMED)
LATENCY = Fact(0.01, "s", "of one storage request", ASSUMED)
STREAM = Fact(60e6, "bytes/s", "read by one task, which has one request ahead", ASSUMED)

QUEUE_MESSAGES = Fact(2000, "/s", "messages of one queue", f"{LEARN}/storage/queues/scalability-targets")
PARTITION_ENTITIES = Fact(2000, "/s", "entities of one table partition", f"{LEARN}/storage/tables/scalability-targets")
BLOB_REQUESTS = Fact(500, "/s", "requests to one blob", f"{LEARN}/storage/blobs/scalability-targets")
ACCOUNT_REQUESTS = Fact(20_000, "/s", "requests to one storage account (40,000 in some regions)", ACCOUNT)
ACCOUNT_INGRESS = Fact(25e9 / 8, "bytes/s", "into one storage account (60 Gbit/s in some regions)", ACCOUNT)
ACCOUNT_EGRESS = Fact(50e9 / 8, "bytes/s", "out of one storage account (200 Gbit/s in some regions)", ACCOUNT)

FACTS = {name: fact for name, fact in globals().items() if isinstance(fact, Fact)}


@dataclass(frozen=True)
class Ramp:
    """How fast a function gets instances: `step` of them every `period` seconds, at most."""

    step: int
    period: float


SLOW = Ramp(int(DOCUMENTED_STEP.value), DOCUMENTED_PERIOD.value)
FAST = Ramp(int(DEMONSTRATED_STEP.value), 1.0)


@dataclass(frozen=True)
class Platform:
    """One app and its media account. `ramp` None: all instances are running before anything happens."""

    instances: int
    ramp: Ramp | None = None
    advance_instances: int = 100
    """The same for the short steps, which have instances of their own."""
    speed: float = CORE_SPEED.value
    cores: int = 1
    """Of an instance. A second one is taken to halve the time of a chunk, not of the sound."""
    look: float = LOOK.value
    cold_start: float = COLD_START.value
    poll: float = LONGEST_POLL.value
    send: float = SEND.value
    latency: float = LATENCY.value
    stream: float = STREAM.value
    queue_messages: float = QUEUE_MESSAGES.value
    partition_entities: float = PARTITION_ENTITIES.value
    blob_requests: float = BLOB_REQUESTS.value
    account_requests: float = ACCOUNT_REQUESTS.value
    ingress: float = ACCOUNT_INGRESS.value
    egress: float = ACCOUNT_EGRESS.value
