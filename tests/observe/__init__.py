"""Tests of logs and telemetry."""
