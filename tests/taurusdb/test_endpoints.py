"""The table of the regions."""

import pytest

from bot.taurusdb.endpoints import PREFIXES, iam_url, taurusdb_endpoint


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-4", "gaussdb.cn-north-4"),
        ("cn-south-4", "gaussdb.cn-south-4"),
        ("ap-southeast-3", "gaussdb.ap-southeast-3"),
        ("ap-southeast-1", "gaussdbformysql.ap-southeast-1"),
        ("me-east-1", "gaussdbformysql.me-east-1"),
        ("af-south-1", "gaussdb-mysql.af-south-1"),
        ("cn-southwest-3", "gaussdb-mysql.cn-southwest-3"),
    ],
)
def test_a_regions_endpoint_is_in_the_table(region: str, host: str) -> None:
    assert taurusdb_endpoint(region) == f"https://{host}.myhuaweicloud.com"


def test_the_table_is_whole() -> None:
    prefixes = list(PREFIXES.values())
    assert [prefixes.count(prefix) for prefix in ("gaussdb", "gaussdbformysql", "gaussdb-mysql")] == [11, 5, 4]


def test_an_unknown_region_is_named_and_the_known_ones_too() -> None:
    with pytest.raises(ValueError, match=r"'cn-north-99' is not known; known are: .*cn-north-4"):
        taurusdb_endpoint("cn-north-99")


def test_iam_is_in_every_region() -> None:
    assert iam_url("cn-north-4") == "https://iam.cn-north-4.myhuaweicloud.com/v3"
