"""The views: pure functions from a row or a reply to a Slack message."""
