"""The recogniser over HTTP: files, streams, and a page."""
