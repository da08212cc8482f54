"""Floor 2: Slack — the only place that knows Bolt, mrkdwn and blocks."""
