import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** With a library for JSON of your choice. This one only looks for texts. */
class CallApi implements WebSocket.Listener {
    private final LinkedBlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final StringBuilder part = new StringBuilder();
    private final List<String> notifications = new ArrayList<>();
    private WebSocket socket;

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
        part.append(data);
        if (last) {
            messages.add(part.toString());
            part.setLength(0);
        }
        webSocket.request(1);
        return null;
    }

    private String receive(Predicate<String> wanted) throws InterruptedException {
        while (true) {
            String message = messages.poll(30, TimeUnit.SECONDS);
            if (message.contains("\"method\"")) notifications.add(message);
            if (wanted.test(message)) return message;
        }
    }

    private String request(String method, String params) throws InterruptedException {
        long id = Long.MAX_VALUE - System.nanoTime();
        socket.sendText("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}", true).join();
        return receive(message -> message.startsWith("{\"jsonrpc\":\"2.0\",\"id\":" + id + ","));
    }

    private void run(String method, String params) throws InterruptedException {
        String response = request(method, params);
        String cmdId = find(response, "\"cmd_id\":\"([^\"]+)\"");
        System.out.println("request " + method + " " + find(response, "\"event\":\"([^\"]+)\""));
        receive(message -> message.contains(cmdId) && message.contains("\"event\":\"Ended\""));
    }

    private static String find(String text, String pattern) {
        var matcher = Pattern.compile(pattern).matcher(text);
        if (!matcher.find()) throw new IllegalStateException(text);
        return matcher.group(1);
    }

    public static void main(String[] args) throws Exception {
        CallApi api = new CallApi();
        api.socket = HttpClient.newHttpClient().newWebSocketBuilder().subprotocols("jsonrpc")
                .buildAsync(URI.create("ws://localhost:5059/call-api"), api).join();
        System.out.println("connect");
        api.request("CallWatch", "{}");
        api.run("CallStart", "{\"caller\":\"sip:alice@127.0.0.1:5060\",\"callee\":\"sip:bob@127.0.0.1:5060\"}");
        String transferred = api.notifications.stream().filter(each -> each.contains("TransferStart")).findFirst().orElseThrow();
        String call = "{\"callid\":\"" + find(transferred, "\"callid\":\"([^\"]+)\"") + "\"}";
        api.run("CallHold", call);
        api.run("CallEnd", call);
        String callid = call.substring(1, call.length() - 1);
        Predicate<String> isOver = each -> each.startsWith("{\"jsonrpc\":\"2.0\",\"method\":\"Call\"") && each.contains("\"event\":\"Ended\"") && each.contains(callid);
        if (api.notifications.stream().noneMatch(isOver)) api.receive(isOver);
        System.out.println("notification " + (api.notifications.stream().anyMatch(each -> each.contains("\"event\":\"Held\"")) ? "Held Ended" : "Ended"));
        String refused = api.request("CallStart", "{}");
        System.out.println("error " + find(refused, "\"code\":(-\\d+)") + " " + find(refused, "\"data\":\"([^\"]+)"));
        // The requests above have found their responses by ids beyond 2^53.
        System.out.println("large id true");
        api.socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        System.exit(0);
    }
}
