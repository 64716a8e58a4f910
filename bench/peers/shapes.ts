/** The topics that contenders read: what their records look like, and what is counted by. Seeded, so that all get the same. */
import { randomFrom } from "../../tests/simulation/delivery_simulator.ts";
import { recordSource, SEED, START_MS } from "../records.ts";

export interface Shape {
  readonly title: string;
  /** As `topics: {NAME: {format}}`. */
  readonly format: "json" | "access";
  /** An endless row of records: each call answers the next one. */
  readonly source: () => () => string;
  /** Columns of an export of ours that minutes are counted by, and the measure. */
  readonly dimensions: readonly string[];
  readonly measure: "response_time" | "content_size";
}

const APP_DIMENSIONS = ["service", "level", "method", "endpoint", "status"];

export const SHAPES = {
  json: {
    title: "JSON of 286 bytes",
    format: "json",
    source: recordSource,
    dimensions: APP_DIMENSIONS,
    measure: "response_time",
  },
  wide: {
    title: "nested JSON of 1 KB, with escapes and not all ASCII",
    format: "json",
    source: wideSource,
    dimensions: APP_DIMENSIONS,
    measure: "response_time",
  },
  access: {
    title: "combined access logs",
    format: "access",
    source: accessSource,
    dimensions: ["host", "endpoint", "status", "method"],
    measure: "content_size",
  },
} as const satisfies Readonly<Record<string, Shape>>;
export type ShapeName = keyof typeof SHAPES;

/** Throws where there is none of that name. */
export function shapeNamed(name: string): Shape {
  const shape = Object.entries(SHAPES).find(([known]) => known === name)?.[1];
  if (shape === undefined) throw new Error(`no shape ${name}: there are ${Object.keys(SHAPES).join()}`);
  return shape;
}

/** 100 000 records a minute, as those of records.ts. */
const STEP_MS = 0.6;
const WIDE_BYTES = 1024;
const SERVICES = ["checkout", "catalog", "search", "Köln-Bestellung", "payments", "reviews", "pricing", "在庫"];
const ENDPOINTS = [["POST", "/api/v1/orders"], ["GET", "/api/v1/orders/recent"], ["GET", "/api/v1/items/search"]];
/** JSON.stringify escapes quotes, slashes and line ends; the escape by number is put in as it is. */
const TEXTS = [
  'Kunde "Müller" \\ retry\n\tat Shop.pay(Shop.java:120)',
  "在庫を確認しました 😀",
  "plain words of a message",
];
const FILLER = "request handled by the worker pool ".repeat(30);

/** Records as the Elastic Common Schema has them. */
function wideSource(): () => string {
  const random = randomFrom(SEED);
  const hex = () => Math.floor(random() * 2 ** 32).toString(16).padStart(8, "0");
  const utf8 = new TextEncoder();
  let index = 0;
  return () => {
    const [method, path] = ENDPOINTS[Math.floor(random() ** 2 * ENDPOINTS.length)];
    const luck = random();
    const status = luck < 0.94 ? 200 : luck < 0.98 ? 404 : 500;
    const text = TEXTS[index % TEXTS.length];
    const fields = {
      "@timestamp": new Date(START_MS + Math.floor(index++ * STEP_MS)).toISOString(),
      ecs: { version: "8.11.0" },
      log: {
        level: status === 500 ? "ERROR" : status === 404 ? "WARN" : "INFO",
        logger: "com.example.Shop",
        origin: { file: { name: "Shop.java", line: Math.floor(random() * 500) }, function: "handle" },
      },
      service: { name: SERVICES[Math.floor(random() ** 2 * SERVICES.length)], version: "4.2.1", node: { name: "n-3" } },
      host: { name: `web-${Math.floor(random() * 12)}`, ip: ["10.0.3.7", "fe80::1"] },
      http: { request: { method, headers: { accept: "*/*", "x-id": hex() } }, response: { status_code: status } },
      url: { path, query: "q=gr%C3%BC%C3%9Fe&sort=asc" },
      event: { duration: Math.round(Math.exp(3 + 2 * (random() + random() - 1)) * 1000) * 1000, dataset: "shop" },
      trace: { id: hex() + hex() + hex() + hex() },
      labels: { team: "Zürich", cart: "日本語テキスト", beta: true, nothing: null },
      tags: ["checkout", "v4", "canary"],
      message: text,
    };
    const line = JSON.stringify(fields);
    const rest = Math.max(0, WIDE_BYTES - utf8.encode(line).length - 7);
    return `${line.slice(0, -2)} \\u00e9${FILLER.slice(0, rest)}"}`;
  };
}

const PATHS = ["/", "/shop", "/shop/cart", "/shop/items", "/img/logo.png", "/api/v1/orders", "/robots.txt"];
const METHODS = ["GET", "GET", "GET", "POST", "HEAD"];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
  "curl/8.5.0",
];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function accessSource(): () => string {
  const random = randomFrom(SEED);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() ** 2 * of.length)];
  let index = 0;
  return () => {
    const time = new Date(START_MS + Math.floor(index++ * STEP_MS));
    const date = `${String(time.getUTCDate()).padStart(2, "0")}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
    const luck = random();
    const status = luck < 0.94 ? 200 : luck < 0.98 ? 404 : 500;
    const host = `10.0.${Math.floor(random() * 4)}.${Math.floor(random() * 10)}`;
    return `${host} - - [${date}:${time.toISOString().slice(11, 19)} +0000] ` +
      `"${pick(METHODS)} ${pick(PATHS)} HTTP/1.1" ${status} ${Math.floor(Math.exp(4 + 6 * random()))} ` +
      `"https://shop.example/" "${pick(AGENTS)}"`;
  };
}
