"""A page of Chromium that is watched: what the console complains of, every dialog, and every request that leaves the
gateway is noted, and fails the test that did not expect it.
"""

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.dashboard.people import ADMIN_KEY

WIDE = (1280, 800)
NARROW = (360, 740)


class Watched:
    """One browser context with one page. `expected` are beginnings of complaints that belong to the test."""

    def __init__(
        self,
        browser: Browser,
        origin: str,
        size: tuple[int, int] = WIDE,
        *,
        scheme: str = "light",
        scripts: bool = True,
    ) -> None:
        self.origin = origin
        self.trouble: list[str] = []
        self.expected: list[str] = []
        width, height = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            base_url=origin,
        )
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._follow)

    def sign_in(self, key: str = ADMIN_KEY) -> Page:
        """With the admin key, from the sign-in page."""
        self.page.goto("/dashboard/sign-in")
        self.page.get_by_label("Admin key").fill(key)
        self.page.get_by_role("button", name="Sign in with the admin key").click()
        self.page.wait_for_url("**/dashboard")
        return self.page

    def close(self) -> None:
        """End the context. Raises AssertionError for what was not expected."""
        self.context.close()
        unexpected = [one for one in self.trouble if not any(one.startswith(begin) for begin in self.expected)]
        assert not unexpected, "\n".join(unexpected)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(f"{message.type}: {message.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _follow(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.trouble.append(f"request: {request.url}")
