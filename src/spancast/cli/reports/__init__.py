"""The figures that the reporting verbs show, however they are shown.

- `costs`     sums by dimensions, sorted and cut, with savings and trends
- `figures`   what is derived from sums: shares, averages, sums of sums
- `latency`   how long calls took
- `missing`   what a list of calls lacks
- `savings`   what cached tokens saved
- `timeline`  sums over time, for sparklines
- `user`      the page of one user
"""
