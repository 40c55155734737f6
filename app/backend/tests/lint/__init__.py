"""The lint of migrations: what it refuses, what it lets through, and the release's own files."""
