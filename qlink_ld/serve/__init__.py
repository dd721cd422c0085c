"""The room serve: How is it read? Over HTTP by Flask under gunicorn, or by `run_query` without a server.

What strangers ask is run by `workers.py` in processes that can be killed (`query_process.py`, `worker.py`,
`confine.py`); `query_text.py` and `service_calls.py` say what is not run at all. What we ask ourselves (one thing, its
labels, counts) is read from the store in the serving process: `describe.py`, `statistics.py`.
`app.py` puts the routes together, one module each: `home`, `things`, `sparql`, `graphs`, `downloads`, `reports`,
`catalogue`, `operations`. `formats.py`, `elm_versions.py`, `languages.py` decide what a reader gets, `problems.py` how
an error looks. `release.py` follows `current`.
"""
