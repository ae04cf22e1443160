"""Calls as charges of the FinOps Open Cost and Usage Specification, version 1.2.

The columns are the mandatory ones (focus.finops.org/focus-specification/v1-2), those optional ones that the ledger can
fill, and custom ones, prefixed `x_` as the specification requires. Its rules that shape a row: no cost may be null, so
a call of unknown cost is not a charge; without a unit price, list and contracted cost equal the billed cost; if the
provider and the invoice issuer differ, the charge is a third party's and billed as zero, so both are OpenRouter; times
are in UTC, to the second.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.exporting.columns import Column, Kind, Value, summed
from spancast.cli.output.instants import at

VERSION = "1.2"
ACCOUNT = "openrouter"
"""The default billing account: the ledger does not know OpenRouter's name for it."""

_OPENROUTER = "OpenRouter"
_SECOND = timedelta(seconds=1)
_MONTHS = 12


def columns(account: str) -> tuple[Column, ...]:
    """Return the columns for charges to a billing account."""
    return (
        _cost("BilledCost"),
        _constant("BillingAccountId", account),
        _constant("BillingAccountName", account),
        _constant("BillingCurrency", "USD"),
        _text("BillingPeriodEnd", lambda row: _written(_month(row, 1))),
        _text("BillingPeriodStart", lambda row: _written(_month(row, 0))),
        _constant("ChargeCategory", "Usage"),
        _constant("ChargeClass", None),
        _text("ChargeDescription", _description),
        _constant("ChargeFrequency", "Usage-Based"),
        _text("ChargePeriodEnd", lambda row: _written(_end(row))),
        _text("ChargePeriodStart", lambda row: _written(at(row.started_at))),
        Column("ConsumedQuantity", "money", lambda row: _quantity(1 if (found := _tokens(row)) is None else found)),
        _text("ConsumedUnit", lambda row: "Requests" if _tokens(row) is None else "Tokens"),
        _cost("ContractedCost"),
        _cost("EffectiveCost"),
        _constant("InvoiceIssuerName", _OPENROUTER),
        _cost("ListCost"),
        _constant("PricingCategory", "Standard"),
        _constant("PricingQuantity", _quantity(1), "money"),
        _constant("PricingUnit", "Requests"),
        _constant("ProviderName", _OPENROUTER),
        _text("PublisherName", lambda row: row.provider or _OPENROUTER),
        _constant("ServiceCategory", "AI and Machine Learning"),
        _constant("ServiceName", _OPENROUTER),
        _constant("ServiceSubcategory", "Generative AI"),
        Column("Tags", "tags", lambda row: row.tags),
        _text("x_App", lambda row: row.app),
        _text("x_CallId", lambda row: row.call_id),
        _text("x_GenerationId", lambda row: row.generation_id),
        _text("x_KeyHash", lambda row: row.key_hash),
        _text("x_Model", _model),
        _text("x_Operation", lambda row: row.operation),
        _text("x_Session", lambda row: row.session),
        _text("x_User", lambda row: row.user),
    )


def _cost(name: str) -> Column:
    return Column(name, "money", lambda row: summed(row.cost))


def _constant(name: str, value: Value, kind: Kind = "text") -> Column:
    return Column(name, kind, lambda _: value)


def _text(name: str, read: Callable[[CallRow], str | None]) -> Column:
    return Column(name, "text", read)


def _quantity(number: int) -> Decimal:
    """Return a quantity with a decimal place, so that tools that infer a column's type read decimals."""
    return Decimal(f"{number}.0")


def _description(row: CallRow) -> str:
    by = "" if row.provider is None else f" by {row.provider}"
    return f"{row.operation}: {_model(row) or 'unknown model'}{by}"


def _model(row: CallRow) -> str | None:
    return row.response_model or row.request_model


def _tokens(row: CallRow) -> int | None:
    """Return the input and output tokens; `None` if neither is stated."""
    if row.input_tokens is None and row.output_tokens is None:
        return None
    return (row.input_tokens or 0) + (row.output_tokens or 0)


def _end(row: CallRow) -> datetime:
    """Return the second after the last: the end of a period is exclusive."""
    ended = at(row.started_at + (row.duration or 0))
    return ended.replace(microsecond=0) + _SECOND


def _month(row: CallRow, further: int) -> datetime:
    """Return the start of the call's month, or of a month `further` on: credits have no other billing period."""
    began = at(row.started_at)
    years, month = divmod(began.month - 1 + further, _MONTHS)
    return datetime(began.year + years, month + 1, 1, tzinfo=began.tzinfo)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
