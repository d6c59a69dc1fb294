"""How things look: tones, signs, units and themes."""
