"""The app that the environment configures, for `uvicorn graph.app:app`."""

from graph.environment import load_settings
from graph.factory import create_app

app = create_app(load_settings())
