"""Retrieval Ladder, the dashboard: streamlit run app.py"""

from pages.shared.frame.page import run_app

run_app()
