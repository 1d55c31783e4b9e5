package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

type response struct {
	ID     int64
	Result json.RawMessage
	Error  *struct {
		Code int
		Data string
	}
}

type command struct {
	CmdID  string `json:"cmd_id"`
	Event  string
	State  string
	Events []struct {
		Event string
		Data  struct{ Callid string }
	}
}

func post(body any, answer any) {
	text, _ := json.Marshal(body)
	reply, err := http.Post("http://localhost:5059/v1/rpc", "application/json", bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	defer reply.Body.Close()
	if err := json.NewDecoder(reply.Body).Decode(answer); err != nil {
		panic(err)
	}
}

func request(method string, params map[string]any) map[string]any {
	return map[string]any{"jsonrpc": "2.0", "id": time.Now().UnixNano(), "method": method, "params": params}
}

func call(method string, params map[string]any) (answer response) {
	post(request(method, params), &answer)
	return
}

// run runs a command, and waits for its end.
func run(method string, params map[string]any) (ended command) {
	var started command
	json.Unmarshal(call(method, params).Result, &started)
	fmt.Println("request", method, started.Event)
	for ended.State != "ended" {
		time.Sleep(100 * time.Millisecond)
		json.Unmarshal(call("CommandGet", map[string]any{"cmd_id": started.CmdID}).Result, &ended)
	}
	return
}

func main() {
	parties := map[string]any{"caller": "sip:alice@127.0.0.1:5060", "callee": "sip:bob@127.0.0.1:5060"}
	callid := ""
	for _, each := range run("CallStart", parties).Events {
		if each.Event == "TransferStart" {
			callid = each.Data.Callid
		}
	}
	fmt.Println("connect")
	run("CallHold", map[string]any{"callid": callid})
	run("CallEnd", map[string]any{"callid": callid})

	refused := call("CallStart", map[string]any{}).Error
	fmt.Println("error", refused.Code, refused.Data)

	requests := []map[string]any{request("CallList", map[string]any{}), request("CallList", map[string]any{})}
	var responses []response
	post(requests, &responses)
	fmt.Println("batch", len(responses))
	fmt.Println("large id", responses[1].ID == requests[1]["id"])
}
