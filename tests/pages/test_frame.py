"""The frame of the pages: Streamlit's settings and colours."""

from __future__ import annotations

import tomllib

from tests.support.app import REPOSITORY


def test_streamlit_knows_every_setting() -> None:
    from streamlit import config

    settings = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    known = set(config.get_config_options())
    used = set()
    for section, values in settings.items():
        for name, value in values.items():
            used |= {f"{section}.{name}.{key}" for key in value} if isinstance(value, dict) else {f"{section}.{name}"}
    assert used <= known, f"unknown: {sorted(used - known)}"
    assert all(isinstance(value, dict) for value in settings["theme"].values()), "a key in [theme] pins the light theme"


def linear(color: str) -> list[float]:
    """Linear red, green, blue in [0, 1] of "#rrggbb" (IEC 61966-2-1)."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def luminance(color: str) -> float:
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))


def test_chart_colours_are_the_same_in_both_themes_and_visible() -> None:
    theme = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    colors = theme["light"]["chartCategoricalColors"]
    assert colors == theme["dark"]["chartCategoricalColors"]
    assert len(set(colors)) == 10
    dark = luminance("#0e1117")  # Streamlit's dark background
    for color in colors:
        assert (1 + 0.05) / (luminance(color) + 0.05) >= 2, f"{color} is too pale on white"
        assert (luminance(color) + 0.05) / (dark + 0.05) >= 2, f"{color} is too dark on black"
        channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert max(channels) - min(channels) > 60, f"{color} is taken for the grey of a baseline"
