"""Numbers of Figs. 5a and 9, by what is clamped: of the settings that are the defaults."""

from collections.abc import Mapping

Points = Mapping[int, float]  # by updates

LOSS: Mapping[str, Points] = {
    "none": {
        0: 0.7559, 25: 0.2441, 50: 0.2269, 100: 0.2210, 200: 0.2199, 400: 0.2193, 600: 0.2139,
        700: 0.1774, 750: 0.0960, 800: 0.0203, 850: 0.0028,
    },
    "c": {0: 0.5394, 25: 0.2473, 50: 0.2172, 100: 0.1479, 200: 0.0038},
    "b,c": {0: 0.4692, 25: 0.1554, 50: 0.0515, 100: 0.0057, 200: 7e-5},
}  # fmt: skip
PM1: Mapping[str, Points] = {
    "none": {50: 0.9975, 200: 0.989, 400: 0.963, 600: 0.825, 700: 0.486, 800: 0.025},
    "c": {50: 0.937, 100: 0.60, 200: 0.017},
    "b,c": {50: 0.217, 100: 0.017, 200: 0.0},
}
PM2: Mapping[str, Points] = {
    "none": {0: 0.465, 50: 0.311, 200: 0.287, 400: 0.262, 600: 0.197, 700: 0.107, 800: 0.0067},
}
PUBLISHED: Mapping[str, Mapping[str, Points]] = {"loss": LOSS, "pm1": PM1, "pm2": PM2}
