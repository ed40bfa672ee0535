"""A server on the official Python SDK: `own.py stdio`, or `own.py http PORT [json]`."""

import sys

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel

mcp = MCPServer("own-python", log_level="ERROR")
READ_ONLY = ToolAnnotations(read_only_hint=True)


class Sum(BaseModel):
    sum: int


@mcp.tool(annotations=READ_ONLY)
def add(a: int, b: int) -> Sum:
    return Sum(sum=a + b)


@mcp.tool(annotations=READ_ONLY)
def refuse(word: str) -> str:
    raise ToolError(f"not {word}")


@mcp.resource("own://words/{word}")
def word(word: str) -> str:
    return f"the word {word}"


@mcp.prompt()
def greet(name: str) -> str:
    return f"Say hello to {name}."


if sys.argv[1] == "stdio":
    mcp.run("stdio")
else:
    json = "json" in sys.argv[3:]
    mcp.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]), json_response=json, stateless_http=json)
