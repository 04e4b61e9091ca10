"""A visitor of the explorer, in a browser."""

import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, ConsoleMessage, Request, Route, expect

# The editor's contents. The pane itself has the visible lines only, in no particular order.
MODEL = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith(name))"

PATIENCE = 20_000  # milliseconds: the machine may be busy
expect.set_options(timeout=PATIENCE)


class Visitor:
    """One person's browser, which may talk to this machine only, and all that went wrong in it.

    Args:
        browser: the program; the visitor's storage and cache in it are new.
        options: of the browser's context, such as `color_scheme`.
    """

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.page = browser.new_context(**options).new_page()
        self.query = self.page.locator(".graphiql-query-editor")
        self.operations: list[str] = []
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.refusals: list[str] = []
        self.page.context.route(re.compile(r"^(?!http://127\.0\.0\.1:|data:|blob:)"), self._abort)
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation',"
            " event => console.error('policy:', event.violatedDirective, event.blockedURI))"
        )

    def _abort(self, route: Route) -> None:
        self.foreign.append(route.request.url)
        route.abort()

    def _on_request(self, request: Request) -> None:
        if request.method == "POST" and "IntrospectionQuery" not in (request.post_data or ""):
            self.operations.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium logs each refused request itself.
        if message.text.startswith("Failed to load resource: the server responded with a"):
            self.refusals.append(message.text)
        elif message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def visit(self, url: str, **link: str) -> None:
        """Open the explorer, and wait until one can type."""
        self.page.goto("about:blank")  # a change behind `#` alone loads nothing
        self.page.goto(f"{url}/graphql#{urlencode(link)}" if link else f"{url}/graphql")
        expect(self.query.locator(".view-line").first).to_be_visible()

    def open(self, url: str, **link: str) -> None:
        """Open the explorer, and wait until it has read the schema."""
        self.visit(url, **link)
        self.wait_for_schema()

    def wait_for_schema(self) -> None:
        """Wait until the editors know the schema."""
        self.until("__MONACO.languages.graphql.api.schemas?.length")

    def wait_for_variable(self, name: str) -> None:
        """Wait until the editor of variables knows this variable of the operation."""
        schemas = "__MONACO.languages.json.jsonDefaults.diagnosticsOptions.schemas"
        self.until(f"{schemas}?.some(({{ schema }}) => name in schema.properties)", name)

    def expect_offers(self, names: list[str]) -> None:
        """Wait until the completion offers these names.

        The editor drops a request for them when its settings change meanwhile, as they do while the
        page loads; a visitor then asks for them by keyboard.
        """
        offered = self.page.locator(".suggest-widget .label-name")
        for _ in range(PATIENCE // 2_000):
            with suppress(AssertionError):
                expect(offered).to_have_text(names, timeout=2_000)
                return
            if not offered.count():
                self.page.keyboard.press("Control+Space")
        expect(offered).to_have_text(names)

    def text(self, name: str) -> str:
        """What an editor contains: `operation.graphql`, `variables.json`, `response.json`…"""
        return str(self.page.evaluate(f"name => {MODEL}.getValue()", name))

    def write(self, name: str, text: str) -> None:
        """Replace the content of an editor, without its completion."""
        self.page.evaluate(f"([name, text]) => {MODEL}.setValue(text)", [name, text])

    def type(self, text: str) -> None:
        """Replace the operation by typing, with the editor's completion."""
        self.query.locator(".monaco-editor").first.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")  # Otherwise the first brace would surround it.
        self.page.keyboard.type(text)

    def choose_tab(self, name: str) -> None:
        """Switch to another tab."""
        self.page.get_by_role("tab").get_by_text(name, exact=True).click()

    def run(self, operation: str = "") -> Any:
        """Press the button, choose the operation where there are several; gives the answer."""
        button = self.page.get_by_role("button", name="Execute query")
        if operation:
            expect(button).to_have_attribute("aria-haspopup", "menu")  # once it has parsed them
        button.click()
        if operation:
            self.page.get_by_role("menuitem", name=operation).click()
        return self.result()

    def result(self) -> Any:
        """Wait for the answer in the result pane."""
        return json.loads(self.until(f"{MODEL}.getValue()", "response.json"))

    def until(self, value: str, name: str = "") -> Any:
        """Wait for a value. Playwright's own function needs `eval`, which the policy forbids."""
        return self.page.evaluate(
            f"""async name => {{
                for (const end = Date.now() + {PATIENCE}; Date.now() < end;) {{
                    const value = {value};
                    if (value) return value;
                    await new Promise(requestAnimationFrame);
                }}
                throw new Error("Waited in vain");
            }}""",
            name,
        )
