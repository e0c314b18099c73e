"""Charts as data, and the backends that draw them: matplotlib and plotly."""
