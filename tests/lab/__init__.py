"""The lab: real Docker engines, a registry and a keyring on this machine, for the tests and for the demo."""
