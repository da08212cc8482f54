"""The catalogues of both languages: every word that people read in Slack."""
