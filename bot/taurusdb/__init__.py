"""TaurusDB: everything that knows how the cloud is spoken to; httpx lives here only."""
