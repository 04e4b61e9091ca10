"""The app that the environment configures, for `uvicorn graph.app:app`."""

from graph.factory import create_app
from graph.observe.logs import configure
from graph.settings import Settings

settings = Settings()
configure(settings)
app = create_app(settings)
