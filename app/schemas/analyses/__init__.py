"""Analyses of trained models, as data: what is looked at (`kinds`), under which programs (`cells`),
and what is answered (`read`)."""
