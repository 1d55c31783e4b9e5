import asyncio
import json
import time

import websockets


async def main():
    async with websockets.connect("ws://localhost:5059/call-api", subprotocols=["jsonrpc"]) as socket:
        print("connect")
        notifications = []

        async def receive(wanted):
            """Returns the first message for which a condition holds. The notifications before it are kept."""
            while True:
                message = json.loads(await socket.recv())
                if "method" in message:
                    notifications.append(message)
                if wanted(message):
                    return message

        async def request(method, params):
            request_id = time.time_ns()
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))
            return await receive(lambda message: message.get("id") == request_id)

        async def run(method, params):
            response = await request(method, params)
            print("request", method, response["result"]["event"])
            cmd_id = response["result"]["cmd_id"]
            await receive(lambda m: m.get("params", {}).get("cmd_id") == cmd_id and m["params"]["event"] == "Ended")

        await request("CallWatch", {})
        await run("CallStart", {"caller": "sip:alice@127.0.0.1:5060", "callee": "sip:bob@127.0.0.1:5060"})
        callid = next(m["params"]["data"]["callid"] for m in notifications if m["params"].get("event") == "TransferStart")
        await run("CallHold", {"callid": callid})
        await run("CallEnd", {"callid": callid})

        def is_over(message):
            params = message.get("params", {})
            return message.get("method") == "Call" and params["event"] == "Ended" and params["call"]["callid"] == callid

        if not any(is_over(message) for message in notifications):
            await receive(is_over)
        print("notification", *(m["params"]["event"] for m in notifications if m["method"] == "Call"))

        error = (await request("CallStart", {}))["error"]
        print("error", error["code"], error["data"])
        large = time.time_ns()
        await socket.send(json.dumps([{"jsonrpc": "2.0", "id": large + n, "method": "CallList"} for n in range(2)]))
        responses = await receive_batch(socket)
        print("batch", len(responses))
        print("large id", [response["id"] for response in responses] == [large, large + 1])


async def receive_batch(socket):
    while True:
        message = json.loads(await socket.recv())
        if isinstance(message, list):
            return message


asyncio.run(main())
