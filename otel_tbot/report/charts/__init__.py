"""The charts of a report: Vega-Lite specifications, drawn to SVG without a browser and without a script.

A chart is a function of the figures and the width of one panel. It returns its panels, or none where there is nothing
to draw.
"""
