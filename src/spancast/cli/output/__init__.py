"""Answers as people and scripts read them: tables, charts, pages, JSON, CSV."""
