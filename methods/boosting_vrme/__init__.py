"""BoostingVRME: two paths of state spaces over the motion of eighteen facial regions, with intervals of any length."""
