"""Retrieval Ladder, the dashboard: streamlit run app.py

Streamlit imports this file once, for the server, and runs it as a script for every session.
"""

import streamlit as st

if __name__ == "__main__":
    from pages.shared.frame.page import run_app

    run_app()
else:
    from server.gate import make_gate

    app = st.App(__file__, middleware=make_gate())
