"""The figures of a report, drawn by Plotly."""
