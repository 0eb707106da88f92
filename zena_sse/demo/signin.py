"""Signing in to the demo: one click, no credential."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from quart import Blueprint, Response
from quart_schema import hide

from zena_sse.security.principal import Principal
from zena_sse.web.json import reply
from zena_sse.web.sessions import SignIn


class DemoUser(msgspec.Struct, frozen=True, rename="camel"):
    """Whom the demo's page offers to sign in as."""

    user_id: str
    name: str


def demo_routes(
    user: DemoUser, lifetime: timedelta, sign_in: SignIn, clock: Callable[[], datetime]
) -> Blueprint:
    """The routes that only the demo has: a page that finds no `/demo` asks for a real sign-in."""
    routes = Blueprint("demo", __name__)

    @routes.get("/demo")
    @hide
    async def get_demo() -> Response:
        """This is the demo, and its user is this one."""
        return reply(user)

    @routes.post("/demo/session")
    @hide
    async def post_demo_session() -> Response:
        """Sign a browser in as the demo's user, who operates the server too: the debug page is theirs."""
        return await sign_in(Principal(user.user_id, clock() + lifetime, role="operator"))

    return routes
