"""One module per process: read settings, pick adapters, serve, leave gracefully."""
