"""The endpoints by region: a table, because the prefix of TaurusDB's host name follows no pattern."""

_REGIONS_BY_PREFIX = {
    "gaussdb": (
        "cn-north-4 cn-southwest-2 cn-east-3 cn-south-1 ru-northwest-2 ap-southeast-3 cn-north-2 cn-north-9"
        " ap-southeast-4 sa-brazil-1 cn-south-4"
    ),
    "gaussdbformysql": "tr-west-1 ap-southeast-1 ap-southeast-2 cn-north-11 me-east-1",
    "gaussdb-mysql": "af-south-1 cn-east-5 la-north-2 cn-southwest-3",
}

PREFIXES = {region: prefix for prefix, regions in _REGIONS_BY_PREFIX.items() for region in regions.split()}
"""The first word of TaurusDB's host name by region, as in the official SDK."""


def taurusdb_endpoint(region: str) -> str:
    """The base URL of TaurusDB in a region; ValueError when the region is not in the table."""
    if region not in PREFIXES:
        known = ", ".join(sorted(PREFIXES))
        raise ValueError(f"the TaurusDB endpoint of region {region!r} is not known; known are: {known}")
    return f"https://{PREFIXES[region]}.{region}.myhuaweicloud.com"


def console_url(region: str) -> str:
    """The TaurusDB console in a region; empty when the region is not in the table.

    Not documented: hosts and path are as links of the cloud's own have them. The account decides which of the two sites
    it is; an account of the Chinese one has its instances in `cn-` regions as a rule.
    """
    if region not in PREFIXES:
        return ""
    site = "console" if region.startswith("cn-") else "console-intl"
    return f"https://{site}.huaweicloud.com/gaussdbformysql/?region={region}"


def iam_url(region: str) -> str:
    """The base URL of IAM in a region."""
    return f"https://iam.{region}.myhuaweicloud.com/v3"
