"""Records as table rows: columns that draw, order and measure one record each, all pure."""
