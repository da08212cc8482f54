"""Upgrades the kernel of StarRocks instances of Huawei Cloud TaurusDB on request from Slack."""

__version__ = "0.1.0"
