"""An engine that isn't one: speaks the part of the Docker Engine API that the console uses, over a socket, with state.

Rehearsals and tests run on it. What it answers (status codes, words, shapes, order of events) was measured on
Docker 20.10.24; nothing here starts a process or opens a port of the application.
"""
