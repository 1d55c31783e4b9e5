import json
import time

import websocket

socket = websocket.create_connection("ws://localhost:5059/call-api")
print("connect")
notifications = []


def receive(wanted):
    """Returns the first message for which a condition holds. The notifications before it are kept."""
    while True:
        message = json.loads(socket.recv())
        if isinstance(message, dict) and "method" in message:
            notifications.append(message)
        if wanted(message):
            return message


def request(method, params):
    request_id = time.time_ns()
    # Bytes are accepted as well as text.
    socket.send_binary(
        json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode()
    )
    return receive(lambda message: message.get("id") == request_id)


def run(method, params):
    result = request(method, params)["result"]
    print("request", method, result["event"])
    cmd_id = result["cmd_id"]
    receive(lambda m: m.get("params", {}).get("cmd_id") == cmd_id and m["params"]["event"] == "Ended")


request("CallWatch", {})
run("CallStart", {"caller": "sip:alice@127.0.0.1:5060", "callee": "sip:bob@127.0.0.1:5060"})
callid = next(m["params"]["data"]["callid"] for m in notifications if m["params"].get("event") == "TransferStart")
run("CallHold", {"callid": callid})
run("CallEnd", {"callid": callid})


def is_over(message):
    params = message.get("params", {})
    return message.get("method") == "Call" and params["event"] == "Ended" and params["call"]["callid"] == callid


if not any(is_over(message) for message in notifications):
    receive(is_over)
print("notification", *(m["params"]["event"] for m in notifications if m["method"] == "Call"))

error = request("CallStart", {})["error"]
print("error", error["code"], error["data"])
large = time.time_ns()
socket.send(json.dumps([{"jsonrpc": "2.0", "id": large + n, "method": "CallList"} for n in range(2)]))
responses = receive(lambda message: isinstance(message, list))
print("batch", len(responses))
print("large id", [response["id"] for response in responses] == [large, large + 1])
socket.close()
