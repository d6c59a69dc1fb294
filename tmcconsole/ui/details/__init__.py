"""What a pane says about one record: lines of runs, pure."""
