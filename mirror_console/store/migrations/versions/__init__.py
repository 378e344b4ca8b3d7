"""The steps: a released one is never changed, a new one is added, and named in `REVISIONS` of upgrade.py."""
