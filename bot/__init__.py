"""Upgrades the kernel of StarRocks instances of Huawei Cloud TaurusDB on request from Slack."""
