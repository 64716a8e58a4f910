import { expect } from "expect";
import { IDLE, type TestGateway, withGateway } from "./test_gateway.ts";

/** Requests that are wrong: what is asked, the answer's status, the parameter that it names, and a word that helps. */
const WRONG: readonly (readonly [path: string, status: number, parameter: string | undefined, hint: string])[] = [
  ["/api/v1/series?metric=count", 400, "topic", "missing"],
  ["/api/v1/series?topic=shop", 400, "metric", "for example metric=count"],
  ["/api/v1/series?topic=shop&metric=cuont", 400, "metric", "did you mean count"],
  ["/api/v1/series?topic=shop&topic=shop&metric=count", 400, "topic", "more than once"],
  ["/api/v1/series?topic=shop&metric=count&tpoic=1", 400, "tpoic", "did you mean topic"],
  ["/api/v1/series?topic=a%20b&metric=count", 400, "topic", "letters"],
  ["/api/v1/series?topic=shop&metric=count&from=yesterday", 400, "from", "now-15m"],
  ["/api/v1/series?topic=shop&metric=count&to=2026-02-30", 400, "to", "2026-03-01"],
  ["/api/v1/series?topic=shop&metric=count&from=now&to=now-1h", 400, "from", "before"],
  ["/api/v1/series?topic=shop&metric=count&from=now-999999999w", 400, "from", "not a time"],
  ["/api/v1/series?topic=shop&metric=count&step=90s", 400, "step", "minutes"],
  ["/api/v1/series?topic=shop&metric=count&step=1m&from=now-60d", 400, "step", "50000"],
  ["/api/v1/series?topic=shop&metric=count&by=sevice", 400, "by", "service"],
  ["/api/v1/series?topic=shop&metric=count&by=host", 400, "by", "endpoint"],
  ["/api/v1/series?topic=shop&metric=count&where=level>1", 400, "where", "level=ERROR"],
  ["/api/v1/series?topic=shop&metric=count&where=user=x", 400, "where", "service"],
  ["/api/v1/series?topic=shop&metric=p95&measure=amount", 400, "measure", "response_time"],
  ["/api/v1/series?topic=shop&metric=p95&measure=weight", 400, "measure", "amount"],
  ["/api/v1/series?topic=shpo&metric=count", 404, "topic", "did you mean shop"],
  ["/api/v1/summary?topic=shop&target=100", 400, "target", "99.9"],
  ["/api/v1/summary?topic=shop&where=nope%3D1", 400, "where", "service"],
  ["/api/v1/events?topic=shop&limit=0", 400, "limit", "1000"],
  ["/api/v1/events?topic=shop&limit=1001", 400, "limit", "1000"],
  ["/api/v1/events?topic=shop&limit=ten", 400, "limit", "whole number"],
  ["/api/v1/events?topic=shop&cursor=junk", 400, "cursor", "nextCursor"],
  [`/api/v1/events?topic=shop&cursor=${btoa('["events",0,9e9,1.5,0,0]')}`, 400, "cursor", "nextCursor"],
  [`/api/v1/events?topic=shop&cursor=${btoa('["events",0,9e9,1e300,0,0]')}`, 400, "cursor", "nextCursor"],
  [`/api/v1/events?topic=shop&cursor=${btoa('["quarantine",0,9e9,1,0,0]')}`, 400, "cursor", "nextCursor"],
  ["/api/v1/events?topic=shop&where=stauts=200", 400, "where", "status"],
  ["/api/v1/quarantine?topic=none", 404, "topic", "shop"],
  ["/api/v1/reports/access?topic=shop&tz=Mars/Base", 400, "tz", "Europe/Berlin"],
  ["/api/v1/reports/access?topic=shop&limit=-1", 400, "limit", "whole number"],
  ["/api/v1/export?topic=shop&table=minutes&format=xls", 400, "format", "parquet"],
  ["/api/v1/export?topic=shop&table=minuets&format=csv", 400, "table", "did you mean minutes"],
  ["/api/v1/export?topic=shop&table=minutes&format=csv&raw=yes", 400, "raw", "0, 1"],
  ["/api/v1/export?topic=shop&table=quarantine&format=csv&where=level=INFO", 400, "where", "quarantine"],
  ["/api/v1/topics?name=shop", 400, "name", "no such parameter"],
  ["/api/v1/topics/none", 404, "topic", "shop"],
  ["/api/v1/topics/a%00b", 400, "topic", "letters"],
  ["/api/v1/nothing", 404, undefined, "/docs"],
];

async function withShop(run: (gateway: TestGateway) => Promise<void>): Promise<void> {
  await withGateway(async (gateway) => {
    await gateway.log.createTopic("shop", { partitions: 2 });
    await run(gateway);
  });
}

Deno.test("what is wrong with a request is said in problem+json, with parameter, reason and a way out", async () => {
  await withShop(async ({ ask }) => {
    for (const [path, status, parameter, hint] of WRONG) {
      const answer = await ask(path);
      expect({ path, status: answer.status, type: answer.headers.get("content-type") })
        .toEqual({ path, status, type: "application/problem+json" });
      expect(answer.json).toMatchObject({ type: "about:blank", title: expect.any(String), status });
      expect({ path, ...Object(answer.json) }).toMatchObject({ path, detail: expect.stringContaining(hint) });
      if (parameter === undefined) continue;
      expect(answer.json).toMatchObject({ parameter, errors: [{ parameter, message: expect.any(String) }] });
    }
  });
});

Deno.test("every wrong parameter of a request is named, not only the first", async () => {
  await withShop(async ({ ask }) => {
    const { json } = await ask("/api/v1/series?metric=x&by2=y");
    const { errors } = Object(json);
    expect(errors.map(({ parameter }: { parameter: string }) => parameter).sort()).toEqual(["by2", "metric", "topic"]);
  });
});

Deno.test("a method that a path does not have is a 405 with those that it has", async () => {
  await withShop(async ({ ask }) => {
    for (
      const [method, path, allow] of [["PUT", "/api/v1/topics", "GET, POST"], ["OPTIONS", "/api/v1/series", "GET"]]
    ) {
      const answer = await ask(path, { method });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    }
    expect((await ask("/api/v1/export?topic=shop&table=events&format=csv", { method: "HEAD" })).status).toBe(405);
  });
});

Deno.test("a failure inside answers 500 with an id that the log has too, and no stack trace", async () => {
  const lines: string[] = [];
  const original = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await withGateway(async ({ ask }) => {
      const answer = await ask("/api/v1/topics");
      expect(answer.status).toBe(500);
      expect(answer.text).not.toMatch(/boom|\.ts|at /);
      const logged = JSON.parse(lines[0]);
      expect(lines).toHaveLength(1);
      expect(logged).toMatchObject({ level: "ERROR", message: "boom", requestId: Object(answer.json).requestId });
      expect(logged.stack).toContain("app_test.ts");
    }, {
      parts: ({ log }) => ({ log: { ...log, listTopics: () => Promise.reject(new Error("boom")) } as typeof log }),
    });
  } finally {
    console.error = original;
  }
});

Deno.test("answers carry the security headers, and none that lets other sites in", async () => {
  await withShop(async ({ ask }) => {
    for (const path of ["/", "/docs", "/api/v1/topics", "/api/v1/nothing", "/metrics"]) {
      const { headers } = await ask(path, { headers: { origin: "https://elsewhere.example" } });
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'self'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

Deno.test("a page of another site cannot write or delete", async () => {
  await withShop(async ({ ask, log }) => {
    const foreign: Record<string, string>[] = [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, {
      origin: "https://elsewhere.example",
      host: "127.0.0.1:8080",
    }];
    for (const headers of foreign) {
      expect((await ask("/ingest/v1/shop", { method: "POST", headers, body: "x\n" })).status).toBe(403);
    }
    const own = { origin: "http://127.0.0.1:8080", host: "127.0.0.1:8080", "sec-fetch-site": "same-origin" };
    expect((await ask("/ingest/v1/shop", { method: "POST", headers: own, body: "x\n" })).status).toBe(200);
    const topic = await log.findTopic("shop");
    const ends = topic === undefined ? [] : await log.ends(topic);
    expect(ends.reduce((sum, { end }) => sum + end, 0)).toBe(1);
  });
});

Deno.test("every route is described in the OpenAPI document, with its answers", async () => {
  await withGateway(async ({ ask }) => {
    const { json } = await ask("/openapi.json");
    const { openapi, paths, components } = Object(json);
    expect(openapi).toMatch(/^3\.1\./);
    const operations = Object.entries<Record<string, object>>(paths)
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
      );
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual([
      "delete /api/v1/topics/{topic}",
      "delete /api/v1/views/{id}",
      "get /api/v1/alerts",
      "get /api/v1/count",
      "get /api/v1/events",
      "get /api/v1/export",
      "get /api/v1/fingerprints",
      "get /api/v1/fingerprints/{id}",
      "get /api/v1/incidents",
      "get /api/v1/incidents/{id}",
      "get /api/v1/live",
      "get /api/v1/quarantine",
      "get /api/v1/reports/access",
      "get /api/v1/runs",
      "get /api/v1/series",
      "get /api/v1/settings",
      "get /api/v1/status",
      "get /api/v1/summary",
      "get /api/v1/topics",
      "get /api/v1/topics/{topic}",
      "get /api/v1/topics/{topic}/groups",
      "get /api/v1/topics/{topic}/records",
      "get /api/v1/views",
      "get /api/v1/views/{id}",
      "get /healthz",
      "get /metrics",
      "get /readyz",
      "patch /api/v1/settings",
      "patch /api/v1/views/{id}",
      "post /api/v1/alerts/decisions",
      "post /api/v1/decisions",
      "post /api/v1/topics",
      "post /api/v1/views",
      "post /ingest/v1/{topic}",
    ]);
    for (const { path, method, operation } of operations) {
      const { summary, responses, parameters = [] } = Object(operation);
      expect({ path, method, summary, responses: Object.keys(responses).length > 0 })
        .toEqual({ path, method, summary: expect.any(String), responses: true });
      // OpenAPI 3.1: every variable of the path is a required parameter in it, and no parameter is there twice.
      const inPath = parameters.filter((p: { in: string }) => p.in === "path").map((p: { name: string }) => p.name);
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      const keys = parameters.map((p: { in: string; name: string }) => `${p.in} ${p.name}`);
      expect(new Set(keys).size).toBe(keys.length);
    }
    // Every reference leads somewhere.
    for (const [, name] of JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(components.schemas)).toContain(name);
    }
  });
});

Deno.test("readiness says what is not ready, health only that the process is", async () => {
  await withGateway(async ({ ask }) => {
    expect(await ask("/healthz")).toMatchObject({ status: 200, json: { status: "ok" } });
    expect(await ask("/readyz")).toMatchObject({ status: 200, json: { status: "ready", reasons: [] } });
  });
  await withGateway(async ({ ask }) => {
    const answer = await ask("/readyz");
    expect(answer.status).toBe(503);
    expect(Object(answer.json).reasons).toEqual(["store: the file is gone", "engine: worker 1 ended"]);
    expect((await ask("/healthz")).status).toBe(200);
  }, {
    parts: ({ engine, store }) => ({
      store: { ...store, get: () => Promise.reject(new Error("the file is gone")) } as typeof store,
      engine: { ...engine, status: () => ({ ...IDLE, isHealthy: false, lastError: "worker 1 ended" }) },
    }),
  });
});

Deno.test("the start page and the docs load nothing from elsewhere and run nothing inline", async () => {
  await withGateway(async ({ ask }) => {
    for (const page of ["/", "/docs"]) {
      const { status, text } = await ask(page);
      expect(status).toBe(200);
      expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
      const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link);
      expect(links.length).toBeGreaterThan(2);
      for (const link of links) {
        expect(link).toMatch(/^\/(?!\/)/);
        expect({ link, status: (await ask(link)).status }).toEqual({ link, status: 200 });
      }
    }
    for (const path of ["/pages/../app.ts", "/pages/%2e%2e/app.ts", "/docs/package.json", "/pages/start.ts"]) {
      expect({ path, status: (await ask(path)).status }).toEqual({ path, status: 404 });
    }
  });
});

Deno.test("metrics tell of the engine in the same process which dimensions are beyond their caps", async () => {
  await withGateway(async ({ ask }) => {
    const { text } = await ask("/metrics");
    expect(text).toContain('millrace_engine_capped_cells_total{topic="crowded",dimension="endpoint"} 12\n');
    expect(text).not.toContain("millrace_archive_offset{"); // there is no archive
  });
});
