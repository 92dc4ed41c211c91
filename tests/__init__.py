"""Tests in tiers: unit, contracts, integration, browser. CONTRIBUTING.md says what runs where."""
