"""GET /echo/{what} on 127.0.0.1, with aiohttp: the server that this project grew from.

    pip install aiohttp && python3 echo.py PORT
"""

import sys

from aiohttp import web


async def echo(request):
    return web.Response(text=request.match_info["what"])


app = web.Application()
app.router.add_get("/echo/{what}", echo)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
