"""Requests and answers of one API server."""
