"""Reads times from table rows. The SDK returns its own subclass of datetime, which keeps the service's text as well."""

from datetime import datetime

from azure.data.tables import TableEntity


def plain_time(value: datetime) -> datetime:
    return datetime.combine(value.date(), value.timetz())


def optional_time(entity: TableEntity, name: str) -> datetime | None:
    value = entity.get(name)
    return None if value is None else plain_time(value)
