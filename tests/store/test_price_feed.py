"""News of prices: what came after the last row seen, in order."""

from tallygate.genai.price_row import PriceRow
from tallygate.store.address import DatabaseAddress
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.price_feed import load_prices
from tallygate.store.prices import add_price, list_prices


def test_only_news_is_read(database: Database, address: DatabaseAddress) -> None:
    connection = DriverConnection(address)
    assert load_prices(connection) == []
    for name in ("c", "a", "b"):
        row = PriceRow(version=name, kind="cost", name=f"p/{name}", effective_from_ns=3, terms='"free"')
        add_price(database, row, Change("tester", 4))
    assert load_prices(connection) == list_prices(database)
    assert [row.version for row in load_prices(connection, 1)] == ["a", "b"]
    assert load_prices(connection, 3) == []
    connection.close()
