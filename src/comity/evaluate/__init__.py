"""An episode in, a scorecard out."""
