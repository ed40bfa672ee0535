"""A server on fastmcp whose calls become tasks: `tasks.py stdio`, or `tasks.py http PORT`."""

import asyncio
import sys
from datetime import timedelta

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.utilities.tasks import TaskConfig
from fastmcp_tasks import TasksExtension
from mcp.types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

mcp = FastMCP("own-tasks")
mcp.add_extension(TasksExtension())
tool = mcp.tool(
    annotations={"readOnlyHint": True},
    task=TaskConfig(mode="required", poll_interval=timedelta(milliseconds=100)),
)


@tool
async def double(n: int) -> int:
    await asyncio.sleep(0.5)
    return n * 2


@tool
async def refuse(word: str) -> str:
    raise ToolError(f"not {word}")


# It runs once more when the question has an answer.
@tool
async def greet(ctx: Context) -> str | InputRequiredResult:
    if not ctx.input_responses:
        form = {"type": "object", "properties": {"name": {"type": "string"}}}
        asks = ElicitRequestFormParams(message="Who is there?", requested_schema=form)
        return InputRequiredResult(input_requests={"name": ElicitRequest(params=asks)})
    return f"Hello, {ctx.input_responses['name'].content['name']}!"


@tool
async def never() -> str:
    await asyncio.sleep(60)
    return "late"


if sys.argv[1] == "stdio":
    mcp.run("stdio", show_banner=False)
else:
    mcp.run("http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
