"""The sandbox's web page: a browser shows the stand-in Slack and the stand-in TaurusDB, and acts on them."""
