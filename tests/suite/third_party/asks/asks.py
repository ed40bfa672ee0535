"""A server on the official Python SDK that asks its client: `asks.py http PORT`."""

import sys
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve
from mcp.types import ListRootsResult, ToolAnnotations
from pydantic import BaseModel

mcp = MCPServer("asks", log_level="ERROR")
READ_ONLY = ToolAnnotations(read_only_hint=True)


class Person(BaseModel):
    name: str


class Colour(BaseModel):
    colour: str = "red"


async def who() -> Elicit[Person]:
    return Elicit("Who is there?", Person)


async def colour(person: Annotated[Person, Resolve(who)]) -> Elicit[Colour]:
    return Elicit(f"Which colour, {person.name}?", Colour)


async def places() -> ListRoots:
    return ListRoots()


@mcp.tool(annotations=READ_ONLY)
async def paint(person: Annotated[Person, Resolve(who)], colour: Annotated[Colour, Resolve(colour)]) -> str:
    return f"{person.name} paints {colour.colour}"


@mcp.tool(annotations=READ_ONLY)
async def look(roots: Annotated[ListRootsResult, Resolve(places)]) -> str:
    return " ".join(str(root.uri) for root in roots.roots)


@mcp.resource("own://wall")
def wall() -> str:
    return "white"


@mcp.tool(annotations=READ_ONLY)
async def touch(ctx: Context) -> str:
    await ctx.notify_resource_updated("own://wall")
    return "touched"


mcp.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
