# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for containers without one: an adjective, and somebody who built or sailed ships."""

from __future__ import annotations

import secrets

_LEFT = """
able airy ample amber apt ardent azure bold brave breezy bright brisk broad calm candid clear
clever coastal cool coral crisp daring deep eager early even fair fearless fine firm fleet fond
frank free fresh gentle glad golden grand hale handy happy hardy honest jolly keen kind light
lively loyal lucky mellow merry mild neat nimble noble patient plain proud quick quiet ready
robust salty serene sharp silver smooth snug solid sound spry steady still stout swift tidy trim
true upbeat vivid warm wise witty zesty
"""
_RIGHT = """
amundsen anson baret beaufort bligh bougainville bowditch brunel cabot cabral cartier chapman
cochrane columbus cook dampier darwin diaz drake erikson fitzroy flinders franklin frobisher
froude fulton gama gilbert grenville halley harrison hawke heyerdahl hudson humboldt hyde joshua
kotzebue laperouse lovell magellan maury mercator nansen nordenskjold parry pytheas raleigh ross
scoresby scott selkirk shackleton slocum stephens tasman torres vancouver verrazzano vespucci
watts webb weddell worsley zheng
"""


def random(retry: bool = False) -> str:
    """Such as brave_cook; with a digit behind it where names without one were taken."""
    name = f"{secrets.choice(_LEFT.split())}_{secrets.choice(_RIGHT.split())}"
    return f"{name}{secrets.randbelow(10)}" if retry else name
