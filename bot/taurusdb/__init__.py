"""TaurusDB: the client of the cloud's API; the HTTP library is used in this package only."""
