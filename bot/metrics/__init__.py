"""Floor 2: what is counted for Prometheus. Parts are wrapped, none of them knows; imported only where it is served."""
