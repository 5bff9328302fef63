"""Digests: numbers computed first, words and pictures made of them afterwards."""
