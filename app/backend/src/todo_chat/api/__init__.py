"""HTTP of the backend: request to domain call to answer."""
