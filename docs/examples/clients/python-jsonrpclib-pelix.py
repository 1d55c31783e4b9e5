import time

import jsonrpclib

server = jsonrpclib.ServerProxy("http://localhost:5059/v1/rpc")


def run(method, **params):
    started = getattr(server, method)(**params)
    print("request", method, started["event"])
    while True:
        command = server.CommandGet(cmd_id=started["cmd_id"])
        if command["state"] == "ended":
            return command["events"]
        time.sleep(0.1)


events = run("CallStart", caller="sip:alice@127.0.0.1:5060", callee="sip:bob@127.0.0.1:5060")
print("connect")
callid = next(each["data"]["callid"] for each in events if each["event"] == "TransferStart")
run("CallHold", callid=callid)
run("CallEnd", callid=callid)

try:
    server.CallStart(caller="alice")
except jsonrpclib.ProtocolError as error:
    code, message = error.args[0][:2]
    print("error", code, message)

batch = jsonrpclib.MultiCall(server)
batch.CallList(limit=1)
batch.CallGet(callid=callid)
print("batch", len(list(batch())))
