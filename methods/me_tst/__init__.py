"""ME-TST: a state-space network over the motion of facial regions that spots and names together."""
