/** Socket Mode, its client untouched, against a server that opens WebSockets as Slack does. */
import { expect } from "expect";
import type { PersonAction } from "../../analyzer/notify/slack_actions.ts";
import { SlackSocket } from "../../analyzer/notify/slack_socket.ts";

const click = (envelope: string, kind: string) => ({
  type: "interactive",
  envelope_id: envelope,
  accepts_response_payload: false,
  payload: {
    type: "block_actions",
    user: { id: "U1", username: "jo" },
    actions: [{ action_id: `millrace_${kind}`, value: "error/1", action_ts: "1800000000.5" }],
  },
});

Deno.test("clicks arrive over Socket Mode and are acknowledged, also after Slack ended the connection", async () => {
  const acknowledged: string[] = [];
  const actions: PersonAction[] = [];
  const told: string[] = [];
  const sockets: WebSocket[] = [];
  const done = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname, host } = new URL(request.url);
    if (pathname === "/api/apps.connections.open") {
      const isKnown = request.headers.get("authorization") === "Bearer xapp-test";
      return Response.json(isKnown ? { ok: true, url: `ws://${host}/link` } : { ok: false, error: "invalid_auth" });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    sockets.push(socket);
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", num_connections: 1 }));
      socket.send(JSON.stringify(click(`e${sockets.length}`, sockets.length === 1 ? "acknowledge" : "useful")));
    };
    socket.onmessage = ({ data }) => {
      acknowledged.push(JSON.parse(String(data)).envelope_id);
      if (acknowledged.length === 1) socket.send(JSON.stringify({ type: "disconnect", reason: "refresh_requested" }));
      else done.resolve();
    };
    return response;
  });
  const slack = new SlackSocket({
    appToken: "xapp-test",
    apiUrl: `http://127.0.0.1:${server.addr.port}/api/`,
    onAction: (action) => actions.push(action),
    onNotice: (text) => told.push(text),
    pauseMs: 20,
  });
  slack.start();
  await done.promise;
  await slack.stop();
  await server.shutdown();
  expect(acknowledged).toEqual(["e1", "e2"]);
  expect(actions).toEqual([
    { kind: "acknowledge", noticeId: "error/1", person: "jo (U1)", atMs: 1_800_000_000_500 },
    { kind: "useful", noticeId: "error/1", person: "jo (U1)", atMs: 1_800_000_000_500 },
  ]);
  expect(told).toEqual([]);
});

Deno.test("a token that Slack does not take is told of once, without the token", async () => {
  const told: string[] = [];
  let calls = 0;
  const tried = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    if (++calls === 3) tried.resolve();
    return Response.json({ ok: false, error: "invalid_auth" });
  });
  const slack = new SlackSocket({
    appToken: "xapp-wrong",
    apiUrl: `http://127.0.0.1:${server.addr.port}/api/`,
    onAction: () => {},
    onNotice: (text) => told.push(text),
    pauseMs: 10,
  });
  slack.start();
  await tried.promise;
  await slack.stop();
  await server.shutdown();
  expect(told.length).toBe(1);
  expect(told[0]).toContain("invalid_auth");
  expect(told[0]).toContain("notify.slack.appToken");
  expect(told[0]).not.toContain("xapp-wrong");
});
