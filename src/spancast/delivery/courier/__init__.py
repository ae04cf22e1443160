"""Who brings what waits to one destination.

- `courier`      one pass after the other; `batch` what a pass has in hand
- `preparation`  what is decided before any request, and the spans of the rest
- `sending`      requests, and what is made of the answers; `sizes` how much goes into one
- `doubt`        what a platform may have, or not
"""
