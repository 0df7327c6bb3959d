"""Settings of predictors, searched for by cross-validation on the fit split alone."""
