"""Tests of transfers and custody."""
