"""What the OpenAPI document cannot say: which valid parameters contradict each other, and which days there are."""

from datetime import datetime
from decimal import Decimal

import schemathesis

def is_range(query, least, greatest, read):
    """Is that surely a range, or open at an end?"""
    try:
        least, greatest = (read(query[name]) if name in query else None for name in (least, greatest))
        return least is None or greatest is None or least < greatest
    except (ValueError, ArithmeticError):
        return False


def fits(cursor, by_amount):
    """Is that a cursor of such a list? One by amount ends with the amount, of which there is no -0."""
    return ("_" in cursor) == by_amount and not cursor.endswith("_-0")


@schemathesis.hook
def map_case(context, case):
    """Takes out of valid requests what contradicts the rest. Invalid ones stay as they are: to refuse them is right."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    if case.method == "POST" and case.path.endswith("/exports"):
        # The filter is all text in a form; the list's query is where its values are tried.
        wanted = case.body.get("format") if isinstance(case.body, dict) else None
        case.body = {"format": wanted if wanted in ("csv", "ndjson", "parquet") else "csv"}
        return case
    query = case.query
    if not query:
        return case
    # What it takes over from another answer may be the empty field of a query.
    drop = {name for name, value in query.items() if value == ""}
    if not is_range(query, "from", "to", datetime.fromisoformat):
        drop |= {"from", "to"}
    if not is_range(query, "min", "max", Decimal):
        drop |= {"min", "max"}
    by_amount = query.get("sort") in ("largest", "smallest")
    if by_amount and not ("currency" in query and query.keys() & {"user", "order"}):
        drop.add("sort")
        by_amount = False
    if "cursor" in query and not fits(query["cursor"], by_amount):
        drop.add("cursor")
    for name in drop:
        query.pop(name, None)
    return case
